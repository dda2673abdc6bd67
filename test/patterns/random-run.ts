import { z } from 'zod';
import { type AgentResult, type AgentTask, agentResultSchema } from '../../src/domain/agent.ts';
import { verdicts } from '../../src/domain/approval.ts';
import { BatonError } from '../../src/domain/failure.ts';
import { emptyHandoff } from '../../src/domain/handoff.ts';
import { asJson, type Json } from '../../src/domain/json.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import type { Pattern } from '../../src/patterns/pattern.ts';
import { waitSignal } from '../../src/patterns/wait.ts';
import { runCommand } from '../../src/ports/activities.ts';
import { contract } from '../../src/ports/activity.ts';
import type { Flow, Operation } from '../../src/ports/flow.ts';
import { personSignal } from '../../src/ports/person-tasks.ts';
import {
  answer,
  approvalEffects,
  type Driven,
  drive,
  type Effect,
  failure,
  personEffects,
  result,
  role,
} from './driver.ts';
import { type StreamWorld, streamWorld } from './stream-world.ts';
import { chance, pick } from './trees.ts';

/** Nodes run by one tree at most: over ten times what the largest was seen to need. */
export const MOST_NODES = 1_000;

const agentAnswers = contract('test.answer', z.object({ node: z.string() }), agentResultSchema);
const mayRun = contract('test.permit', z.null(), z.string().nullable());

/** Chance of a run's own: the same for the same key, whenever and however often it is asked. */
export const chanceOf = (seed: number, key: string): (() => number) => {
  let hash = seed >>> 0;
  for (const letter of key) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
  return chance(hash);
};

/** A program that runs a tree. Whatever is not certain comes through the journal, as it must for a replay. */
export function randomBody(
  root: Node,
  seed: number,
  of: readonly Pattern[],
  how: {
    /** How long an agent works; some milliseconds unless given. */
    readonly works?: (task: AgentTask, flow: Flow) => Operation<void>;
    /** Whether there is a test command; by chance unless given. */
    readonly tested?: boolean;
    /** Whether agents find out while they work that they need what other tasks make; yes unless given. */
    readonly finds?: boolean;
    /** They find it out before they do anything, so that all of their work comes after the wait. */
    readonly findsFirst?: boolean;
  } = {},
): (flow: Flow) => Operation<Json> {
  const interpreter = new Interpreter(of);
  const tested = how.tested ?? chanceOf(seed, 'test command')() < 0.8;
  const works = how.works ?? paced;
  return function* (flow) {
    const tasks = new Map<string, AgentTask>();
    const end = yield* interpreter.run(root, emptyHandoff, flow, {
      request: 'Add CSV export',
      stream: null,
      testCommand: tested ? ['npm', 'test'] : null,
      role: (name) => ({ ...role(name, name === 'reviewer' ? 'review' : 'work'), capabilities: ['work'] }),
      runner: () => ({
        *run(task, inner, guard) {
          tasks.set(task.node, task);
          if (how.findsFirst !== true) yield* works(task, inner);
          // What is sure to end depends on nobody: bringing in what another made may fail.
          const finds = how.finds !== false && !task.node.startsWith('safe');
          const needed = finds ? task.others?.[Math.abs(seed) % 2] : undefined;
          // Now and then one finds out while it works that it needs what another makes.
          if (needed !== undefined && guard.need !== undefined && chanceOf(seed, inner.path)() < 0.3)
            yield* guard.need({ task: needed.id, why: 'It has to be there.' }, inner);
          if (how.findsFirst === true) yield* works(task, inner);
          return yield* inner.step('answer', agentAnswers, asked(task), { giveUp: 'throw' });
        },
      }),
      *permit(_argv, _node, inner) {
        return yield* inner.step('permit', mayRun, null);
      },
      approved: () => {},
    });
    return asJson(end);
  };
}

function* paced(task: AgentTask, flow: Flow): Operation<void> {
  const ms = task.node.startsWith('safe') ? 50 : Math.floor((yield* flow.random('pace')) * 100);
  yield* flow.sleep('works', ms);
}

/** The task goes along so that the answer fits it; contracts of the product would say what of it they need. */
function asked(task: AgentTask): { node: string } {
  return { ...task };
}

const askedSchema = z.custom<AgentTask>((value) => z.object({ node: z.string() }).safeParse(value).success);

/** Runs a tree whose agents, commands and people answer by chance. Throws when it is stuck or never ends. */
export function randomRun(
  root: Node,
  seed: number,
  of: readonly Pattern[],
): Driven & { readonly streams: StreamWorld } {
  const streams = streamWorld((key) => chanceOf(seed, key));
  const effects = { ...randomEffects(seed), ...streams.effects };
  return { ...drive(randomBody(root, seed, of), { effects, signals: randomSignals(seed) }), streams };
}

/** Effects that answer by chance, each the same for the same key. */
export function randomEffects(seed: number): Readonly<Record<string, Effect>> {
  return {
    'test.answer': (input, key) => {
      const said = answerTo(askedSchema.parse(input), chanceOf(seed, key));
      if (said instanceof BatonError) throw said;
      return said;
    },
    'test.permit': (_input, key) => (chanceOf(seed, key)() < 0.05 ? 'nobody allowed it' : null),
    'workspace.command': (input, key) => {
      const passed = chanceOf(seed, key)() < 0.7;
      const argv = runCommand.input.parse(input).argv ?? [];
      const counts = passed ? { passed: 3, failed: 0 } : { passed: 2, failed: 1 };
      return { exitCode: passed ? 0 : 1, ended: null, output: '', durationMs: 1, argv, ...counts };
    },
    'metrics.read': (_input, key, now) => {
      const random = chanceOf(seed, key);
      const errorRate = random() < 0.3 ? 20 : 0;
      return { at: now, cpuUsage: random() * 100, errorRate, costUsd: 0, waiting: 0, inventory: 'i' };
    },
    'decision.record': () => ({}),
    'rule.hold': () => ({}),
    'event.publish': () => ({ event: 'evt_1' }),
    'event.listen': () => ({}),
    'event.unlisten': () => ({}),
    ...personEffects().effects,
    ...approvalEffects().effects,
    ...streamWorld((key) => chanceOf(seed, key)).effects,
  };
}

/** What people and the world say, each with the moment it comes. */
export function randomSignals(seed: number) {
  const random = chanceOf(seed, 'signals');
  return [
    ...Array.from({ length: 30 }, (_, at) =>
      answer(`a${at + 1}`, pick(random, 'request_changes', ...verdicts), at * 60_000),
    ),
    ...Array.from({ length: 30 }, (_, at) => ({
      name: personSignal(`p${at + 1}`),
      at: at * 60_000,
      payload: pick<Json>(
        random,
        { ended: 'done', by: 'U-bob', output: { lines: at }, words: 'made' },
        { ended: 'declined', reasons: [{ by: 'U-bob', reason: 'no time' }] },
        { ended: 'skipped', by: 'U-bob', reason: 'not needed' },
      ),
    })),
    { name: waitSignal('go'), at: Math.floor(random() * 7_200_000), payload: { lines: 10 } },
  ];
}

function answerTo(task: AgentTask, random: () => number): AgentResult | BatonError {
  if (task.node.startsWith('safe')) return { ...result, result: { lines: 1 } };
  const fate = random();
  if (fate < 0.08) return failure('broken');
  if (fate < 0.09) return failure('wrong', 'structural');
  const good = random() < 0.6;
  const quality = Math.floor(random() * 101);
  const one = (): string => task.options[Math.floor(random() * task.options.length)] ?? 'nobody';
  switch (task.output) {
    case 'vote':
      return { ...result, result: { summary: '', choice: one(), reason: '' } };
    case 'route':
      return { ...result, result: { summary: '', agent: one(), task: '', reason: '', done: random() < 0.3 } };
    case 'answer':
      return { ...result, result: { summary: '', answer: 'this', confidence: random(), reason: '' } };
    case 'review':
    case 'verdict':
      return { ...result, approved: good, quality, findings: good ? [] : ['not yet'] };
    case 'spec':
    case 'work':
    case 'items':
      return { ...result, result: { lines: quality, items: ['a', 'b'].slice(0, Math.floor(random() * 3)) } };
    default:
      return task.output satisfies never;
  }
}
