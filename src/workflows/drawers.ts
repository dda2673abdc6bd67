import { z } from 'zod';
import { type Node, nodeSchema } from '../domain/workflow.ts';
import { type Draw, type Drawer, drawer } from './drawer.ts';
import { FLOW_DRAWERS, joinBox, joined, joinSchema } from './flow-drawers.ts';
import { pointSchema, pointWay, taskSchema, taskWay } from './parallel-ways.ts';
import { RESOURCE_DRAWERS } from './resource-drawers.ts';
import { box, column, fork, type Picture, type Way } from './shapes.ts';

function rounds(max: number): string {
  return `${max} ${max === 1 ? 'round' : 'rounds'} at most`;
}

const untilSchema = z.object({ quality: z.number().nullable(), rule: z.string().nullable() });

function untilWords({ quality, rule }: z.infer<typeof untilSchema>): string[] {
  return [
    ...(quality === null ? [] : [`passed, quality ${quality} or more?`]),
    ...(rule === null ? [] : [`${rule}?`]),
  ];
}

const id = nodeSchema.shape.id;
const node = nodeSchema;
const list = z.array(nodeSchema);

const phaseSchema = z.object({
  id,
  purpose: z.string(),
  setup: node.optional(),
  flow: node,
  integration: node.optional(),
  validate: z.union([z.string(), node]).optional(),
  rework: node.optional(),
});

function phaseParts(phase: z.infer<typeof phaseSchema>, draw: Draw): Picture[] {
  const { validate, rework } = phase;
  const optional = (at: Node | undefined): Picture[] => (at === undefined ? [] : [draw(at)]);
  const begin = [box('point', phase.id, phase.purpose), ...optional(phase.setup), draw(phase.flow)];
  const validated = [
    ...optional(phase.integration),
    ...optional(typeof validate === 'object' ? validate : undefined),
  ];
  const check = box('choice', `${phase.id} is good?`, typeof validate === 'string' ? validate : '');
  if (rework === undefined) return [...begin, ...validated, ...(typeof validate === 'string' ? [check] : [])];
  const body = validated.length === 0 ? null : column(validated);
  return [...begin, { type: 'cycle', body, check, again: 'no, once', repair: draw(rework), done: 'yes' }];
}

/** How each kind is drawn. */
export const DRAWERS: ReadonlyMap<string, Drawer> = new Map([
  ...FLOW_DRAWERS,
  ['agent', drawer(z.object({ id, agent: z.string() }), (at) => box('work', at.id, at.agent))],
  [
    'command',
    drawer(z.object({ id, run: z.union([z.string(), z.array(z.string())]) }), ({ id, run }) =>
      box('command', id, typeof run === 'string' ? 'the tests' : run.join(' ')),
    ),
  ],
  ['sequence', drawer(z.object({ stages: list }), ({ stages }, draw) => column(stages.map(draw)))],
  [
    'parallel',
    drawer(
      z.object({
        id,
        branches: list.optional(),
        tasks: z.array(taskSchema).optional(),
        streams: z.boolean().optional(),
        sync: z.array(pointSchema).optional(),
        choose: z.record(z.string(), z.string()).optional(),
        each: node.optional(),
        join: joinSchema.optional(),
        then: node.optional(),
      }),
      (at, draw) =>
        joined(
          fork(
            box('point', at.id),
            [
              ...(at.branches ?? []).map((branch) => ({
                label: at.choose?.[branch.id] ?? '',
                part: at.each === undefined ? draw(branch) : column([draw(branch), draw(at.each)]),
              })),
              ...(at.tasks ?? []).map((task) => taskWay(task, draw)),
              ...(at.sync ?? []).map(pointWay),
            ],
            at.streams === true ? box('point', 'merged') : joinBox(at.join),
          ),
          at.then,
          draw,
        ),
    ),
  ],
  [
    'loop',
    drawer(
      z.object({
        id,
        body: node,
        improve: node.optional(),
        until: untilSchema,
        max: z.number(),
      }),
      ({ id, body, improve, until, max }, draw) => ({
        type: 'cycle',
        body: draw(body),
        check: box('choice', id, ...untilWords(until)),
        again: `no, ${rounds(max)}`,
        repair: improve === undefined ? null : draw(improve),
        done: 'yes',
      }),
    ),
  ],
  [
    'feedback',
    drawer(
      z.object({
        id,
        producer: node,
        reviewer: z.string(),
        criteria: z.array(z.union([z.string(), z.object({ name: z.string() })])),
        max: z.number(),
      }),
      ({ id, producer, reviewer, criteria, max }, draw) => ({
        type: 'cycle',
        body: draw(producer),
        check: box(
          'choice',
          id,
          `${reviewer}: ${criteria.map((each) => (typeof each === 'string' ? each : each.name)).join(', ')}?`,
        ),
        again: `not met, ${rounds(max)}`,
        repair: null,
        done: 'all met',
      }),
    ),
  ],
  [
    'conditional',
    drawer(
      z.object({
        id,
        start: node.optional(),
        cases: z.array(z.object({ if: z.string(), then: node })),
        on_success: node.optional(),
        on_failure: node.optional(),
        else: node.optional(),
      }),
      (at, draw) => {
        const way = (label: string, to: Node | undefined): Way[] =>
          to === undefined ? [] : [{ label, part: draw(to) }];
        const decided = at.else !== undefined || (at.on_success !== undefined && at.on_failure !== undefined);
        const ways: Way[] = [
          ...at.cases.map(({ if: rule, then }): Way => ({ label: rule, part: draw(then) })),
          ...way('success', at.on_success),
          ...way('failure', at.on_failure),
          ...way('else', at.else),
          ...(decided ? [] : [{ label: 'otherwise', part: null }]),
        ];
        const choice = fork(box('choice', at.id), ways);
        return at.start === undefined ? choice : column([draw(at.start), choice]);
      },
    ),
  ],
  [
    'delegation',
    drawer(
      z.object({
        id,
        conductor: z.string(),
        delegates: z.array(z.object({ agent: z.string(), expertise: z.array(z.string()) })),
        decision_rules: z.array(z.object({ if: z.string(), then: z.string() })),
        escalation: z.array(z.string()),
      }),
      ({ id, conductor, delegates, decision_rules: rules, escalation }) =>
        fork(
          box(
            'choice',
            id,
            `${conductor} conducts`,
            escalation.length === 0 ? '' : `if it fails: ${escalation.join(', ')}`,
          ),
          [
            ...delegates.map(({ agent, expertise }) => ({
              label: rules.find(({ then }) => then === agent)?.if ?? expertise.join(', '),
              part: box('work', agent),
            })),
            { label: 'nobody fits', part: box('work', conductor) },
          ],
        ),
    ),
  ],
  [
    'consensus',
    drawer(
      z.object({
        id,
        question: z.string(),
        participants: z.array(z.string()),
        method: z.string(),
        weights: z.record(z.string(), z.number()).optional(),
        tie: z.string(),
        conductor: z.string().optional(),
      }),
      ({ id, question, participants, method, weights, tie, conductor }) =>
        fork(
          box('vote', id, question),
          participants.map((name) => ({
            label: weights === undefined ? '' : `weight ${weights[name] ?? 0}`,
            part: box('work', name),
          })),
          box(
            'vote',
            `votes, ${method}`,
            tie === 'conductor' && conductor !== undefined ? `a tie: ${conductor}` : '',
          ),
        ),
    ),
  ],
  [
    'consult',
    drawer(
      z.object({
        id,
        domain: z.string(),
        experts: z.array(z.object({ agent: z.string(), weight: z.number() })),
        then: node.optional(),
      }),
      ({ id, domain, experts, then }, draw) => {
        const asked = fork(
          box('vote', id, `experts on ${domain}`),
          experts.map(({ agent, weight }) => ({ label: `weight ${weight}`, part: box('work', agent) })),
          box('vote', 'weighted answer'),
        );
        return then === undefined ? asked : column([asked, draw(then)]);
      },
    ),
  ],
  [
    'approval',
    drawer(
      z.object({ id, title: z.string(), on_changes: node.optional(), max_rounds: z.number() }),
      (at, draw) => {
        const question = box('question', at.id, at.title);
        return at.on_changes === undefined
          ? question
          : {
              type: 'cycle',
              body: null,
              check: question,
              again: `changes, ${rounds(at.max_rounds)}`,
              repair: draw(at.on_changes),
              done: 'approved',
            };
      },
    ),
  ],
  [
    'person',
    drawer(z.object({ id, skill: z.string().optional() }), (at) =>
      box('question', at.id, at.skill === undefined ? 'a person' : `a person: ${at.skill}`),
    ),
  ],
  [
    'mesh',
    drawer(
      z.object({
        id,
        hub: z.string(),
        pool: z.array(z.object({ agent: z.string(), capabilities: z.array(z.string()) })),
      }),
      ({ id, hub, pool }) => ({
        type: 'cycle',
        body: fork(
          box('choice', id, `${hub} chooses who is next`),
          pool.map(({ agent, capabilities }) => ({
            label: capabilities.join(', '),
            part: box('work', agent),
          })),
        ),
        check: box('choice', `${hub}: done?`),
        again: 'no',
        repair: null,
        done: 'yes',
      }),
    ),
  ],
  [
    'phases',
    drawer(z.object({ phases: z.array(phaseSchema) }), ({ phases }, draw) =>
      column(phases.flatMap((phase) => phaseParts(phase, draw))),
    ),
  ],
  ...RESOURCE_DRAWERS,
  ['emit', drawer(z.object({ id, event: z.string() }), (at) => box('point', at.id, `tells ${at.event}`))],
  ['receive', drawer(z.object({ id, event: z.string() }), (at) => box('point', at.id, `until ${at.event}`))],
]);
