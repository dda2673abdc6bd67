import { z } from 'zod';
import { nodeSchema } from '../../domain/workflow.ts';
import { joinProblems, joinShape } from '../join.ts';
import { commonShape } from '../on-error.ts';
import { chooseProblems, chooseSchema } from './choose.ts';
import { circleIn, isPlain, partsOf } from './parallel-plan.ts';
import { type SyncPoint, syncSchema, type Task, taskSchema } from './parallel-shapes.ts';
import { MOST_STREAMS, streamProblems, streamShape } from './stream-shape.ts';

/** Branches at once unless the node says otherwise: what one provider's rate limit usually bears. */
const DEFAULT_LIMIT = 20;

export const parallelSchema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('parallel'),
    branches: z.array(nodeSchema).min(1).max(10_000).optional(),
    tasks: z.array(taskSchema).min(1).max(1_000).optional(),
    limit: z.number().int().min(1).max(1_000).default(DEFAULT_LIMIT),
    ...streamShape,
    /** Whether a task with `capabilities` may go to an agent of another stream that has nothing to do. */
    rebalance: z.boolean().default(false),
    sync: z.array(syncSchema).min(1).max(100).optional(),
    choose: chooseSchema.optional(),
    /** Runs after every branch, once for each. */
    each: nodeSchema.optional(),
    ...joinShape,
  })
  .superRefine((node, context) => {
    const say = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    if ((node.branches === undefined) === (node.tasks === undefined))
      return say([], 'Write either `branches` or `tasks`.');
    const { branches } = node;
    const issues = branches === undefined ? [] : chooseProblems({ ...node, branches });
    for (const { path, message } of [...issues, ...joinProblems(node, branches?.length ?? null)])
      say(path, message);
    if (!isPlain(node))
      for (const key of ['choose', 'each', 'join', 'then'] as const)
        if (node[key] !== undefined)
          say(
            [key],
            `\`${key}\` goes with plain branches. Leave it out beside tasks, streams and sync points.`,
          );
    for (const { path, message } of streamProblems(node, null)) say(path, message);
    const movable = (node.tasks ?? []).some(({ capabilities }) => capabilities !== undefined);
    if (node.rebalance && !(node.streams && movable))
      say(
        ['rebalance'],
        'Only tasks in streams that say what they ask of an agent can be taken over. Write `streams: true` and `capabilities` at a task.',
      );
    for (const [at, task] of (node.tasks ?? []).entries()) checkTask(task, at, node.streams, say);
    for (const [at, point] of (node.sync ?? []).entries()) checkSync(point, at, node.streams, say);
    checkNames(node, say);
  });
export type Parallel = z.infer<typeof parallelSchema>;

type Say = (path: (string | number)[], message: string) => void;

function checkTask(task: Task, at: number, streams: boolean, say: Say): void {
  const whole = task.agent !== undefined && task.task !== undefined;
  const half = task.agent !== undefined || task.task !== undefined || task.limits !== undefined;
  if (task.flow === undefined ? !whole : half)
    say(
      ['tasks', at, 'id'],
      `"${task.id}" is either an \`agent\` with its \`task\`, or a \`flow\`. Write one of the two.`,
    );
  if (task.capabilities !== undefined && task.agent === undefined)
    say(
      ['tasks', at, 'capabilities'],
      `"${task.id}" is no agent's task, so nobody takes it over. Write \`agent\` and \`task\`, or take \`capabilities\` out.`,
    );
  if (task.stream !== undefined && !streams)
    say(['tasks', at, 'stream'], 'Write `streams: true` beside `tasks`, or leave `stream` out.');
}

function checkSync(
  { id: name, type, after, approval }: SyncPoint,
  at: number,
  streams: boolean,
  say: Say,
): void {
  if (type === 'integration' && !streams)
    say(['sync', at, 'type'], 'Only streams can be integrated. Write `streams: true`, or `type: milestone`.');
  if (after.length > 0 && type !== 'start' && type !== 'resource')
    say(
      ['sync', at, 'after'],
      `A ${type} point follows its participants. Name them all in \`participants\`.`,
    );
  if (approval !== undefined && type === 'progress')
    say(
      ['sync', at, 'approval'],
      `"${name}" holds nobody up, so it asks nothing. Write \`type: milestone\`.`,
    );
}

function checkNames(node: Parallel, say: Say): void {
  // Ids of nodes are looked at where the whole tree is.
  if (isPlain(node)) return;
  const tasks = partsOf(node).map((part) => part.id);
  const points = (node.sync ?? []).map((point) => point.id);
  const all = [...tasks, ...points];
  const twice = all.find((name, at) => all.indexOf(name) !== at);
  if (twice !== undefined) {
    const point = points.indexOf(twice);
    say(
      point >= 0 ? ['sync', point, 'id'] : ['tasks', tasks.lastIndexOf(twice), 'id'],
      `The id "${twice}" is used twice here. Give one of them another.`,
    );
    return;
  }
  const known = (names: readonly string[], given: readonly string[], path: (string | number)[]): void => {
    for (const [at, name] of given.entries())
      if (!names.includes(name))
        say([...path, at], `There is no "${name}" here. Write one of: ${names.join(', ')}.`);
  };
  for (const [at, { needs }] of (node.tasks ?? []).entries()) known(all, needs, ['tasks', at, 'needs']);
  for (const [at, { participants, after }] of (node.sync ?? []).entries()) {
    known(tasks, participants, ['sync', at, 'participants']);
    known(all, after, ['sync', at, 'after']);
  }
  const count = new Set(partsOf(node).map(({ stream }) => stream)).size;
  if (node.streams && count > MOST_STREAMS)
    say(
      ['streams'],
      `${count} streams are more than ${MOST_STREAMS}. Let several tasks share one with \`stream\`.`,
    );
  const circle = circleIn(node);
  if (circle !== null) {
    const [first = ''] = circle;
    const at = tasks.indexOf(first);
    say(
      at >= 0 ? ['tasks', at, 'needs'] : ['sync', points.indexOf(first), 'participants'],
      `Nobody could begin: ${circle.map((name) => `"${name}"`).join(' waits for ')}. Take one of these out.`,
    );
  }
}
