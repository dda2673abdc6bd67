import type { AgentResult, AgentRole, AgentTask } from '../../src/domain/agent.ts';
import { type ApprovalPolicy, policyDefaults } from '../../src/domain/approval.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { BatonError, type Failure, toFailure } from '../../src/domain/failure.ts';
import { emptyHandoff, type Handoff } from '../../src/domain/handoff.ts';
import { asJson, type Json } from '../../src/domain/json.ts';
import type { Outcome } from '../../src/domain/run.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { Machine, type Pending } from '../../src/engine/machine.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import {
  type DecisionSignal,
  holdRule,
  nudgeApproval,
  openApproval,
  runCommand,
} from '../../src/ports/activities.ts';
import type { Flow, Operation } from '../../src/ports/flow.ts';
import type { Metrics } from '../../src/ports/metrics.ts';

export const START = 1_800_000_000_000;

/** An effect: what it gives back, `HANGS` when it never ends by itself, or a thrown failure. */
export type Effect = (input: unknown, key: string, now: number) => unknown;
export const HANGS = Symbol('hangs');

export interface Driven {
  readonly outcome: Outcome;
  readonly events: RunEvent[];
  /** Every operation that was begun, in order. */
  readonly keys: string[];
  readonly cancelled: string[];
  /** What the journal would hold, in order; `events` is how many there were before it. */
  readonly settled: readonly { readonly key: string; readonly outcome: Outcome; readonly events: number }[];
  /** Most steps under way at once. */
  readonly width: number;
  readonly elapsedMs: number;
}

export interface World {
  readonly effects: Readonly<Record<string, Effect>>;
  /** Signals by name, each with the moment it arrives, in milliseconds from the start. */
  readonly signals?: readonly { readonly name: string; readonly at: number; readonly payload: Json }[];
  /** How long a step takes. */
  readonly stepMs?: (key: string) => number;
}

/** Drives a generator over the real machine with nothing behind it but a table; time is a number. */
export function drive(body: (flow: Flow) => Operation<Json>, world: World): Driven {
  const machine = new Machine();
  const events: RunEvent[] = [];
  const keys: string[] = [];
  const cancelled: string[] = [];
  const settled: { key: string; outcome: Outcome; events: number }[] = [];
  const running = new Map<string, { at: number; outcome: Outcome }>();
  const sleeps = new Map<string, number>();
  const waits = new Map<string, string>();
  const signals = [...(world.signals ?? [])].sort((a, b) => a.at - b.at);
  let now = START;
  let width = 0;

  function begin({ key, op }: Pending): void {
    keys.push(key);
    switch (op.op) {
      case 'step': {
        const value = perform(world, op.activity, op.input, key, now);
        const ms = value === HANGS ? Number.POSITIVE_INFINITY : (world.stepMs?.(key) ?? 0);
        running.set(key, { at: now + ms, outcome: value === HANGS ? { ok: true, value: null } : value });
        width = Math.max(width, running.size);
        return;
      }
      case 'sleep':
        sleeps.set(key, now + op.ms);
        return;
      case 'signal':
        waits.set(key, op.signal);
        return;
      case 'now':
        settle(key, { ok: true, value: now });
        return;
      case 'random':
        settle(key, { ok: true, value: 0.5 });
        return;
      default:
        throw new Error(`no ${op.op} here`);
    }
  }

  function settle(key: string, outcome: Outcome): void {
    const before = events.length;
    if (machine.settle(key, outcome)) settled.push({ key, outcome, events: before });
    take();
  }

  function take(): void {
    const taken = machine.take();
    events.push(...taken.events);
    cancelled.push(...taken.cancelled.map(({ pending }) => pending.key));
    for (const { pending } of taken.cancelled)
      for (const map of [running, sleeps, waits]) map.delete(pending.key);
    for (const pending of taken.issued) begin(pending);
  }

  /** The next thing to happen; signals before timers of the same moment, as when both are in the store. */
  function next(): (() => void) | null {
    const signal = signals.find(({ name, at }) => START + at <= now && [...waits.values()].includes(name));
    if (signal !== undefined) {
      const [key] = [...waits].find(([, name]) => name === signal.name) ?? [''];
      return () => {
        signals.splice(signals.indexOf(signal), 1);
        waits.delete(key);
        settle(key, { ok: true, value: signal.payload });
      };
    }
    const step = [...running].find(([, { at }]) => at <= now);
    if (step !== undefined)
      return () => {
        running.delete(step[0]);
        settle(step[0], step[1].outcome);
      };
    const sleep = [...sleeps].filter(([, at]) => at <= now).sort((a, b) => a[1] - b[1])[0];
    if (sleep === undefined) return null;
    return () => {
      sleeps.delete(sleep[0]);
      settle(sleep[0], { ok: true, value: null });
    };
  }

  machine.start(body);
  take();
  while (machine.result === null) {
    const happen = next();
    if (happen !== null) {
      happen();
      continue;
    }
    const moments = [
      ...[...running.values()].map(({ at }) => at),
      ...sleeps.values(),
      ...signals.map(({ at }) => START + at),
    ];
    const later = Math.min(...moments.filter((at) => at > now));
    if (!Number.isFinite(later))
      throw new Error(`stuck waiting for ${[...waits.values(), ...running.keys()].join(', ')}`);
    now = later;
  }
  return { outcome: machine.result, events, keys, cancelled, settled, width, elapsedMs: now - START };
}

function perform(
  world: World,
  activity: string,
  input: unknown,
  key: string,
  now: number,
): Outcome | typeof HANGS {
  const effect = world.effects[activity];
  if (effect === undefined) throw new Error(`no activity ${activity}`);
  try {
    const value = effect(input, key, now);
    return value === HANGS ? HANGS : { ok: true, value: asJson(value) };
  } catch (error) {
    return { ok: false, failure: toFailure(error) };
  }
}

export function failure(code: string, of: Failure['class'] = 'terminal'): BatonError {
  return new BatonError({ class: of, code, message: `it was ${code}` });
}

export function role(name: string, output: AgentRole['output'] = 'work'): AgentRole {
  return {
    name,
    title: name,
    description: '',
    capabilities: [],
    tier: 'standard',
    backup: null,
    tools: ['run'],
    output,
    model: null,
    instructions: '',
  };
}

export const result: AgentResult = {
  summary: 'done',
  result: null,
  quality: null,
  approved: null,
  findings: [],
  warnings: [],
};

/** What agents answer, by node: a list is one answer per time asked; a thrown failure fails the agent. */
export interface Cast {
  readonly agents?: Readonly<Record<string, readonly (Partial<AgentResult> | BatonError)[]>>;
  readonly commands?: Readonly<Record<string, readonly number[]>>;
  /** Whether commands may run; yes unless given. */
  readonly permit?: string | null;
  readonly testCommand?: readonly string[] | null;
  /** Whether people may step in. */
  readonly steered?: boolean;
  /** Of which other task an agent says, once it has worked, that it cannot go on without it; by node. */
  readonly needs?: Readonly<Record<string, string>>;
  readonly capabilities?: Readonly<Record<string, readonly string[]>>;
}

export interface Played extends Driven {
  readonly handoff: Handoff | null;
  /** What each agent was asked, in order. */
  readonly tasks: AgentTask[];
  readonly approvedTrees: string[];
  /** What agents were told when they asked for another task's outcome, by node. */
  readonly told: Readonly<Record<string, string>>;
}

export const POLICY: ApprovalPolicy = {
  ...policyDefaults,
  onTimeout: 'stop',
  remindAfterMs: 600_000,
  escalateAfterMs: 1_200_000,
  expireAfterMs: 86_400_000,
  escalateTo: ['U-carol', 'U-dave'],
};

/** Runs a tree of nodes with agents and commands that answer from the cast. */
export function play(
  node: Node,
  cast: Cast = {},
  world: Partial<World> = {},
  input: Handoff = emptyHandoff,
): Played {
  const tasks: AgentTask[] = [];
  const approvedTrees: string[] = [];
  const told: Record<string, string> = {};
  const asked = new Map<string, number>();
  const turn = (name: string): number => {
    const count = asked.get(name) ?? 0;
    asked.set(name, count + 1);
    return count;
  };
  let handoff: Handoff | null = null;
  const interpreter = new Interpreter(patterns);
  const driven = drive(
    function* (flow) {
      handoff = yield* interpreter.run(node, input, flow, {
        request: 'Add CSV export',
        stream: null,
        ...(cast.steered === undefined ? {} : { steered: cast.steered }),
        testCommand: cast.testCommand === undefined ? ['npm', 'test'] : cast.testCommand,
        role: (name) => ({
          ...role(name, name === 'reviewer' ? 'review' : 'work'),
          capabilities: [...(cast.capabilities?.[name] ?? [])],
        }),
        runner: () => ({
          *run(task, inner, guard) {
            tasks.push(task);
            yield* inner.sleep('works', world.stepMs?.(task.node) ?? 0);
            const needed = cast.needs?.[task.node];
            if (needed !== undefined && guard.need !== undefined) {
              told[task.node] = yield* guard.need({ task: needed, why: 'It has to be there.' }, inner);
              yield* inner.sleep('goes-on', world.stepMs?.(task.node) ?? 0);
            }
            const answers = cast.agents?.[task.node] ?? [{}];
            const answer = answers[Math.min(turn(task.node), answers.length - 1)] ?? {};
            if (answer instanceof BatonError) throw answer;
            return { ...result, ...answer };
          },
        }),
        permit: (_argv, _node, inner) => answering(cast.permit ?? null, inner),
        approved: (kept) => void (kept === null ? approvedTrees.splice(0) : approvedTrees.push(kept.tree)),
      });
      return null;
    },
    {
      effects: {
        'workspace.snapshot': (_input, key) => ({ commit: `c-${key}`, tree: `t-${key}` }),
        ...metricsEffects(),
        'rule.hold': (input) => {
          throw new BatonError(holdRule.input.parse(input).failure);
        },
        'workspace.command': (input) => {
          const { node: name, argv: given } = runCommand.input.parse(input);
          const argv = given ?? [];
          const codes = cast.commands?.[name] ?? [0];
          const exitCode = codes[Math.min(turn(name), codes.length - 1)] ?? 0;
          return {
            exitCode,
            ended: null,
            output: `ran ${argv.join(' ')}`,
            durationMs: 1,
            passed: exitCode === 0 ? 3 : 2,
            failed: exitCode === 0 ? 0 : 1,
            argv,
          };
        },
        ...world.effects,
      },
      ...(world.signals === undefined ? {} : { signals: world.signals }),
    },
  );
  return { ...driven, handoff, tasks, approvedTrees, told };
}

/** What adaptive nodes read and write; nothing is the matter unless given. */
export function metricsEffects(
  seen: (read: number) => Partial<Metrics> = () => ({}),
  decisions: unknown[] = [],
): Record<string, Effect> {
  let reads = 0;
  return {
    'metrics.read': (_input, _key, now) => {
      reads += 1;
      const calm = { cpuUsage: 10, errorRate: 0, costUsd: 0, waiting: 0, inventory: 'i' };
      return { at: now, ...calm, ...seen(reads) };
    },
    'decision.record': (input) => {
      decisions.push(input);
      return {};
    },
  };
}

/** The effects of an approval, and what was done to it. */
export function approvalEffects(own: Partial<ApprovalPolicy> = POLICY) {
  const policy = { ...POLICY, ...own };
  const told: string[] = [];
  let count = 0;
  let decided = false;
  const effects: Record<string, Effect> = {
    'approval.open': (input) => {
      count += 1;
      told.push(`open ${openApproval.input.parse(input).round}`);
      return { approvalId: `a${count}`, tree: `tree${count}`, commit: `commit${count}`, policy };
    },
    'approval.nudge': (input, _key, now) => {
      const { kind, step, at } = nudgeApproval.input.parse(input);
      told.push(`${kind} ${step} after ${now - START}${at === now ? '' : ' at another time'}`);
      return { told: kind === 'escalate' ? (policy.escalateTo[step - 1] ?? null) : null };
    },
    'approval.expire': (_input, _key, now) => {
      told.push(`expire after ${now - START}`);
      return { expired: !decided };
    },
  };
  return {
    told,
    effects,
    /** From now on a person was faster than the clock. */
    decide: () => {
      decided = true;
    },
  };
}

/** The effects of a task for a person, and what was done to it. */
export function personEffects() {
  const opened: unknown[] = [];
  const told: string[] = [];
  let closed = true;
  const effects: Record<string, Effect> = {
    'person.open': (input) => {
      opened.push(input);
      return { taskId: `p${opened.length}`, assignee: 'U-bob' };
    },
    'person.expire': (_input, _key, now) => {
      told.push(`expire after ${now - START}`);
      return { expired: closed };
    },
    'person.hold': () => {
      told.push('hold');
      return {};
    },
  };
  return {
    opened,
    told,
    effects,
    /** From now on a person was faster than the clock. */
    finish: () => {
      closed = false;
    },
  };
}

export function answer(
  approvalId: string,
  verdict: DecisionSignal['verdict'],
  at: number,
  comment: string | null = null,
) {
  return { name: `approval:${approvalId}`, at, payload: { verdict, by: 'U-bob', comment } };
}

function* answering(permit: string | null, flow: Flow): Operation<string | null> {
  yield* flow.emit();
  return permit;
}
