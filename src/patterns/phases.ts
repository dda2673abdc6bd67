import { z } from 'zod';
import { inSequence, times } from '../domain/estimate.ts';
import { BatonError } from '../domain/failure.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import { type Estimate, type Node, nodeSchema } from '../domain/workflow.ts';
import type { Flow, Operation, Settled } from '../ports/flow.ts';
import { factsOf, ruleSchema, unmet } from './facts.ts';
import { commonShape } from './on-error.ts';
import { resolving, streamProblems, streamShape } from './parallel/stream-shape.ts';
import { closing, type Streams, streamsOf } from './parallel/streams.ts';
import { definePattern, type RunContext } from './pattern.ts';

const phaseSchema = z.strictObject({
  id: nodeSchema.shape.id,
  /** What the phase is for, in words for people. */
  purpose: z.string().min(1),
  /** How long people reckon it takes, in their words; shown, never counted with. */
  estimate: z.string().optional(),
  setup: nodeSchema.optional(),
  flow: nodeSchema,
  /** Brings what the phase made together, before it is validated. */
  integration: nodeSchema.optional(),
  /** A rule over what was made, or a node whose validation decides. */
  validate: z.union([ruleSchema, nodeSchema]).optional(),
  /** Runs once with the findings when the validation fails; then it is integrated and validated again. */
  rework: nodeSchema.optional(),
  /** Whether the next phase's setup may begin while this phase is being validated. */
  overlap: z.boolean().default(false),
});
type Phase = z.infer<typeof phaseSchema>;

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('phases'),
    phases: z.array(phaseSchema).min(1).max(100),
    ...streamShape,
  })
  .superRefine((node, context) => {
    const say = (at: number, key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: ['phases', at, key], message });
    for (const problem of streamProblems(node, null)) context.addIssue({ code: 'custom', ...problem });
    if (node.streams && !node.phases.some(({ overlap }) => overlap))
      context.addIssue({
        code: 'custom',
        path: ['streams'],
        message: 'No two phases overlap, so nothing goes side by side. Leave `streams` out.',
      });
    const seen = new Set<string>();
    for (const [at, phase] of node.phases.entries()) {
      if (seen.has(phase.id))
        say(at, 'id', `There are two phases "${phase.id}". Give one of them another id.`);
      seen.add(phase.id);
      if (phase.rework !== undefined && phase.validate === undefined)
        say(
          at,
          'rework',
          '`rework` follows a failed `validate`, and there is none. Write one, or take `rework` out.',
        );
      if (!phase.overlap) continue;
      if (typeof phase.validate !== 'object')
        say(
          at,
          'overlap',
          '`overlap` needs a `validate` that is a node: a rule takes no time. Write a node, or take `overlap` out.',
        );
      if (node.phases[at + 1]?.setup === undefined)
        say(
          at,
          'overlap',
          '`overlap` needs a next phase with a `setup`. Write one there, or take `overlap` out.',
        );
    }
  });
type Phases = z.infer<typeof schema>;

/** What one phase hands to the next; `ready` when the next phase's setup ran ahead. */
interface Passed {
  readonly handoff: Handoff;
  readonly ready: Handoff | null;
}

/** P11: phases one after the other, each with its own pattern, set up before it and validated after it. */
export const phases = definePattern({
  kind: 'phases',
  schema,
  children: (node) => node.phases.flatMap(nodesOf),
  agents: (node) => resolving(node),
  *run(node, input, flow, context) {
    let passed: Passed = { handoff: input, ready: null };
    for (const [at, phase] of node.phases.entries()) {
      const before = passed;
      const next = node.phases[at + 1] ?? null;
      passed = yield* flow.call(
        phase.id,
        (inner) => onePhase(node, phase, next, before, inner, context),
        `${node.id}:${phase.id}`,
      );
      if (next === null) break;
      yield* flow.emit({
        type: 'handoff',
        from: phase.id,
        to: next.id,
        summary: next.purpose,
        warnings: passed.handoff.warnings,
      });
    }
    return passed.handoff;
  },
  estimate(node, context) {
    const of = (child: Node | undefined): Estimate[] => (child === undefined ? [] : [context.child(child)]);
    return inSequence(
      node.phases.flatMap((phase, at) => {
        const ahead = node.phases[at - 1]?.overlap === true;
        const check = of(typeof phase.validate === 'object' ? phase.validate : undefined);
        const beside = phase.overlap ? of(node.phases[at + 1]?.setup) : [];
        const integrated = inSequence([...of(phase.integration), context.parallel([...check, ...beside], 2)]);
        // After a rework it is integrated and validated anew, with the setup that then was too early beside it.
        const again = inSequence([...of(phase.rework), integrated]);
        return [
          ...(ahead ? [] : of(phase.setup)),
          context.child(phase.flow),
          integrated,
          ...(phase.rework === undefined ? [] : [times(again, 0, 0, 1)]),
        ];
      }),
    );
  },
  describe: (node, child) =>
    node.phases
      .map(
        ({ id, purpose, estimate, flow }) =>
          `${id} (${purpose}${estimate === undefined ? '' : `, ${estimate}`}): ${child(flow)}`,
      )
      .join(', then '),
});

function nodesOf({ setup, flow, integration, validate, rework }: Phase): Node[] {
  const check = typeof validate === 'object' ? validate : undefined;
  return [setup, flow, integration, check, rework].filter((node) => node !== undefined);
}

function* onePhase(
  node: Phases,
  phase: Phase,
  next: Phase | null,
  { handoff, ready }: Passed,
  flow: Flow,
  context: RunContext,
): Operation<Passed> {
  const line = `${node.id}:${phase.id}`;
  yield* flow.emit({ type: 'node.started', node: line, kind: 'phase' });
  const begun =
    ready ?? (phase.setup === undefined ? handoff : yield* context.run(phase.setup, handoff, flow));
  const worked = yield* context.run(phase.flow, begun, flow);
  let end = yield* integrated(node, phase, next, worked, flow, context);
  if (!end.handoff.validation.passed && phase.validate !== undefined && phase.rework !== undefined) {
    const mended = yield* context.run(phase.rework, end.handoff, flow);
    end = yield* integrated(node, phase, next, mended, flow, context, true);
  }
  const { passed, findings } = end.handoff.validation;
  if (passed || phase.validate === undefined) {
    yield* flow.emit({ type: 'node.finished', node: line, status: 'done', summary: phase.purpose });
    return end;
  }
  const why = findings.slice(0, 3).join('; ');
  const message = `Phase "${phase.id}" did not pass its validation${why === '' ? '' : `: ${why}`}`;
  yield* flow.emit({ type: 'node.finished', node: line, status: 'failed', summary: message });
  throw new BatonError({
    class: 'terminal',
    code: 'phase_failed',
    message,
    hint: 'The phases before it, the branch and every snapshot are kept. Look at the findings, then run it again.',
  });
}

/** Brings the work together and validates it, with the next phase's setup beside it where that may be. */
function* integrated(
  node: Phases,
  phase: Phase,
  next: Phase | null,
  worked: Handoff,
  flow: Flow,
  context: RunContext,
  reworked = false,
): Operation<Passed> {
  const whole =
    phase.integration === undefined ? worked : yield* context.run(phase.integration, worked, flow);
  const setup = phase.overlap ? next?.setup : undefined;
  if (setup === undefined || next === null)
    return { handoff: yield* validated(node, phase, whole, flow, context), ready: null };
  const beside: Overlap = { node, phase, whole, setup, label: reworked ? `${next.id}-again` : next.id };
  if (!node.streams) return yield* overlapped(beside, flow, context, null);
  const streams = streamsOf(node, flow, context);
  return yield* closing(streams, flow, function* () {
    yield* streams.fork(flow);
    return yield* overlapped(beside, flow, context, streams);
  });
}

interface Overlap {
  readonly node: Phases;
  readonly phase: Phase;
  readonly whole: Handoff;
  /** The next phase's. */
  readonly setup: Node;
  /** Its stream, a new one after a rework. */
  readonly label: string;
}

/** Validates with the next phase's setup beside it; one in a stream of its own is merged once the validation passed. */
function* overlapped(
  { node, phase, whole, setup, label }: Overlap,
  flow: Flow,
  context: RunContext,
  streams: Streams | null,
): Operation<Passed> {
  const prepare = (inner: Flow): Operation<Handoff> =>
    streams === null
      ? context.run(setup, whole, inner)
      : streams.branch(label, inner, (stream) => context.run(setup, whole, inner, stream));
  const [check, ahead] = yield* flow.settle<Handoff>(
    'overlap',
    [
      { name: 'validate', run: (inner) => validated(node, phase, whole, inner, context) },
      { name: 'setup', run: prepare },
    ],
    { limit: 2, until: ([first]) => refused(first) },
  );
  if (check?.status === 'failed') throw check.error;
  const handoff = check?.status === 'done' ? check.value : whole;
  // Set up upon work that is not good enough: it is done again after the rework.
  if (!handoff.validation.passed) return { handoff, ready: null };
  if (ahead?.status === 'failed') throw ahead.error;
  if (streams !== null) yield* streams.merge([label], handoff, flow, context);
  return { handoff, ready: ahead?.status === 'done' ? told(handoff, ahead.value) : null };
}

function refused(check: Settled<Handoff> | undefined): boolean {
  return check?.status === 'failed' || (check?.status === 'done' && !check.value.validation.passed);
}

/** The work as it is, with the verdict as its validation: a validator's own result is not what is built upon. */
function* validated(
  node: Phases,
  { validate }: Phase,
  work: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Handoff> {
  if (validate === undefined) return work;
  if (typeof validate === 'string') {
    const finding = yield* unmet(validate, factsOf(work, context), node.id, flow);
    const findings = finding === null ? [] : [...work.validation.findings, finding];
    return { ...work, validation: { ...work.validation, passed: finding === null, findings } };
  }
  const verdict = yield* context.run(validate, work, flow);
  return { ...told(work, verdict), result: work.result };
}

/** What `later` hands on, with everything that `earlier` had to tell. */
function told(earlier: Handoff, later: Handoff): Handoff {
  return {
    ...later,
    context: mergeContext(earlier.context, later.context),
    warnings: [...new Set([...earlier.warnings, ...later.warnings])],
  };
}
