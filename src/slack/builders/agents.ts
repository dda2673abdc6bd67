import { type CircuitState, REST_MS, stateOf, TRIP_AT } from '../../domain/circuit.ts';
import type { Health } from '../../ports/health.ts';
import type { Spending } from '../../ports/usage.ts';
import { bold, lines, type Piece, person } from '../blocks.ts';
import { count, percent, roughly, signs } from '../format.ts';
import { type Message, message } from '../message.ts';
import { short } from '../text.ts';
import { cost } from './spending.ts';

/** Agents of one answer; the healthy ones that nobody needed go first when there are more. */
const SHOWN = 25;

/** One agent or model as `/orchestrate agents` draws it. */
export interface HealthLine {
  readonly health: Health;
  /** Tasks, or calls of its server, under way; and those that wait. */
  readonly busy: number;
  readonly waiting: number;
  /** In the last seven days. */
  readonly spent: Spending | null;
  /** Why it did not answer at the last look. */
  readonly problem: string | null;
}

/** A program that plays agents; `problem` undefined: nobody has looked yet. */
interface RunnerLine {
  readonly name: string;
  readonly problem: string | null | undefined;
}

/** `/orchestrate agents`: who works, who rests, what they took. */
export function agentsBlocks(
  {
    agents,
    models,
    runners = [],
    servers = [],
  }: {
    readonly agents: readonly HealthLine[];
    readonly models: readonly HealthLine[];
    readonly runners?: readonly RunnerLine[];
    /** Servers of tools. */
    readonly servers?: readonly HealthLine[];
  },
  now: number,
  rehearsal: boolean,
): Message {
  const shown = [...agents].sort((a, b) => urgency(b, now) - urgency(a, now)).slice(0, SHOWN);
  const more = agents.length - shown.length;
  return message(
    [
      agents.length === 0
        ? lines(['No agent has worked yet.'])
        : lines(
            [bold('Agents')],
            ...shown.map((line) => row(line, now)),
            more > 0 ? [`and ${more} more`] : [],
          ),
      models.length === 0 ? null : lines([bold('Models')], ...models.map((line) => row(line, now))),
      runners.length === 0 ? null : lines([bold('Runners')], ...runners.map(runnerRow)),
      servers.length === 0
        ? null
        : lines([bold('Tool servers')], ...servers.map((line) => row(line, now, 'call'))),
    ],
    rehearsal,
  );
}

function urgency({ health, busy }: HealthLine, now: number): number {
  const state = stateOf(health.circuit, now);
  return (state === 'closed' ? 0 : 1e9) + busy * 1e6 + health.done + health.failed;
}

function runnerRow({ name, problem }: RunnerLine): Piece[] {
  const sign = problem === null ? signs.done : problem === undefined ? signs.in_progress : signs.failed;
  return [`${sign} `, bold(short(name, 80)), problem == null ? '' : ` · ${short(problem, 160)}`];
}

function row({ health, busy, waiting, spent, problem }: HealthLine, now: number, what = 'task'): Piece[] {
  const { name, done, failed } = health;
  const state = stateOf(health.circuit, now);
  return [
    `${problem === null || state !== 'closed' ? stateSigns[state] : signs.failed} `,
    bold(short(name, 80)),
    ...stateWords(health, state, now),
    problem === null ? '' : ` · did not answer at the last look: ${short(problem, 160)}`,
    busy === 0 ? '' : ` · ${busy} at work`,
    waiting === 0 ? '' : ` · ${waiting} waiting`,
    done + failed === 0 ? '' : ` · ${percent(done / (done + failed))} of ${count(done + failed, what)} well`,
    spent === null ? '' : ` · ${cost(spent)} this week`,
  ];
}

const stateSigns: Readonly<Record<CircuitState, string>> = {
  closed: signs.done,
  open: signs.paused,
  half_open: signs.in_progress,
  quarantined: signs.failed,
};

function stateWords({ circuit, lastFailure }: Health, state: CircuitState, now: number): Piece[] {
  switch (state) {
    case 'closed':
      return circuit.failures === 0
        ? []
        : [` · failed ${circuit.failures} of ${TRIP_AT} times before it rests`];
    case 'open':
      return [
        ` · rests for ${roughly((circuit.openedAt ?? now) + REST_MS - now)} more${lastFailure === null ? '' : `, last: ${lastFailure.code}`}`,
      ];
    case 'half_open':
      return [circuit.trial === null ? ' · one trial comes next' : ' · being tried'];
    case 'quarantined': {
      const { by, reason } = circuit.quarantine ?? { by: '', reason: '' };
      return [' · taken out of use by ', person(by), reason === '' ? '' : `: ${short(reason, 160)}`];
    }
    default:
      return state satisfies never;
  }
}
