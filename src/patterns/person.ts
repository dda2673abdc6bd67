import { z } from 'zod';
import { timeoutActions } from '../domain/approval.ts';
import { durationMs, durationSchema } from '../domain/duration.ts';
import { noEstimate } from '../domain/estimate.ts';
import { BatonError } from '../domain/failure.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import { fieldsOf, outputSchema, type PersonSignal, personSignalSchema } from '../domain/person-task.ts';
import { writtenId } from '../domain/slack-id.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { expirePersonTask, holdPersonTask, openPersonTask, personSignal } from '../ports/person-tasks.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

/** What a person reads of what came before: the last words of so many nodes. */
const CONTEXT_SHOWN = 3;

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('person'),
    task: z.string().min(1).max(2_000),
    /** Who may do it: these people, members of these groups, whoever has this skill. None: whoever asked for the work. */
    people: z.array(writtenId('UW', 'A person is a member id, such as U0123ABCD')).optional(),
    groups: z.array(writtenId('S', 'A group is a user group id, such as S0123ABCD')).optional(),
    skill: z.string().min(1).max(80).optional(),
    /** What is asked for, field by field; without it, words. */
    output: outputSchema.optional(),
    /** How long it waits; without it, for ever. */
    within: durationSchema.optional(),
    on_timeout: z.enum(timeoutActions).optional(),
  })
  .superRefine((node, context) => {
    if (node.on_timeout !== undefined && node.within === undefined)
      context.addIssue({
        code: 'custom',
        path: ['on_timeout'],
        message: '`on_timeout` needs `within`. Write how long it waits, such as `within: 2h`.',
      });
  });
type PersonNode = z.infer<typeof schema>;

/**
 * P14: a person does a piece of the work, and says what came of it. Who is asked is decided by a step, which looks at how
 * much everybody has to do already; that it may go from one to another is between people, and the run hears its end.
 */
export const person = definePattern({
  kind: 'person',
  schema,
  *run(node, input, flow) {
    yield* flow.emit({ type: 'node.started', node: node.id, kind: 'person' });
    const end = yield* ended(node, input, flow);
    if (end !== null) return yield* handedOn(node, input, end, flow);
    const late = `Nobody did "${node.id}" within ${node.within ?? ''}`;
    if (node.on_timeout === 'skip') return yield* leftOut(node, input, late, flow);
    throw new BatonError({
      class: 'terminal',
      code: 'person_timeout',
      message: late,
      hint: 'The branch and every snapshot are kept. Run it again when somebody has the time.',
    });
  },
  // The wait for people is theirs, not the work's: it is not part of the estimate.
  estimate: () => ({ ...noEstimate, asks: 1 }),
  describe: (node) => `a person (${whoWords(node)})`,
});

function whoWords({ skill, people, groups }: PersonNode): string {
  if (skill !== undefined) return skill;
  return people === undefined && groups === undefined ? 'whoever asked' : 'one of those named';
}

/** Asks, and anew after a pause that the time running out led to. Null: time ran out, and that is what counts. */
function* ended(node: PersonNode, input: Handoff, flow: Flow): Operation<PersonSignal | null> {
  for (;;) {
    const at = yield* flow.now('at');
    const { taskId } = yield* flow.step(
      'open',
      openPersonTask,
      {
        node: node.id,
        task: node.task,
        about: aboutOf(input),
        people: node.people ?? [],
        groups: node.groups ?? [],
        skill: node.skill ?? null,
        fields: node.output === undefined ? [] : fieldsOf(node.output),
        withinMs: node.within === undefined ? null : durationMs(node.within),
        onTimeout: node.on_timeout ?? 'pause',
        at,
      },
      { label: 'asking a person' },
    );
    // However the run comes to do without: the card is closed in that very moment, and says why.
    yield* flow.onGivenUp((why) => [{ type: 'person.ended', taskId, node: node.id, why }]);
    const end = yield* answered(node, taskId, flow);
    yield* flow.onGivenUp(null);
    if (end !== null) return end;
    if (node.on_timeout !== undefined && node.on_timeout !== 'pause') return null;
    yield* flow.step('hold', holdPersonTask, { taskId }, { label: 'waiting for somebody to do it' });
  }
}

/** How it ended by people; null: time ran out, and it is closed. */
function* answered(node: PersonNode, taskId: string, flow: Flow): Operation<PersonSignal | null> {
  const signal = personSignal(taskId);
  if (node.within === undefined) return yield* flow.waitSignal('end', signal, personSignalSchema);
  const end = yield* flow.waitSignalFor('end', signal, personSignalSchema, durationMs(node.within));
  if (end !== null) return end;
  const now = yield* flow.now('late-at');
  const input = { taskId, at: now };
  const { expired } = yield* flow.step('expire', expirePersonTask, input, { label: 'closing the task' });
  // Somebody did it in that very moment: it counts.
  return expired ? null : yield* flow.waitSignal('end', signal, personSignalSchema);
}

function aboutOf({ context, validation }: Handoff): string {
  const said = context.slice(-CONTEXT_SHOWN).map(({ node, summary }) => `${node}: ${summary}`);
  return [...said, ...validation.findings.slice(0, CONTEXT_SHOWN)].join('\n').slice(0, 1_500);
}

function* handedOn(node: PersonNode, input: Handoff, end: PersonSignal, flow: Flow): Operation<Handoff> {
  switch (end.ended) {
    case 'done': {
      const summary = `<@${end.by}>: ${end.words}`;
      yield* flow.emit({ type: 'node.finished', node: node.id, status: 'done', summary });
      return {
        ...input,
        result: end.output,
        validation: { passed: true, quality: null, findings: [] },
        context: mergeContext(input.context, [{ node: node.id, agent: null, summary }]),
      };
    }
    case 'skipped':
      return yield* leftOut(node, input, `Left out by <@${end.by}>: ${end.reason}`, flow);
    case 'declined':
      throw new BatonError({
        class: 'terminal',
        code: 'person_declined',
        message: `Nobody who may do "${node.id}" can: ${end.reasons.map(({ by, reason }) => `<@${by}>: ${reason}`).join('; ')}`,
        hint: 'The branch and every snapshot are kept. Name others in the workflow or in baton.yaml, then run it again.',
      });
    default:
      return end satisfies never;
  }
}

function* leftOut(node: PersonNode, input: Handoff, why: string, flow: Flow): Operation<Handoff> {
  yield* flow.emit({ type: 'node.finished', node: node.id, status: 'skipped', summary: why });
  return {
    ...input,
    context: mergeContext(input.context, [{ node: node.id, agent: null, summary: why }]),
    warnings: [...new Set([...input.warnings, `${node.id}: ${why}`])],
  };
}
