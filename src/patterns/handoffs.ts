import { z } from 'zod';
import { BatonError } from '../domain/failure.ts';
import { type Handoff, handoffSchema } from '../domain/handoff.ts';
import type { Json } from '../domain/json.ts';
import { type Node, nodeSchema } from '../domain/workflow.ts';
import { restoreSnapshot, takeSnapshot } from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import type { RunContext } from './pattern.ts';

const field = z.string().regex(/^[A-Za-z_]\w*$/, 'Write the name of one field of the result');
const typeSchema = z.enum(['text', 'number', 'yes-no', 'list', 'fields', 'any']);
type FieldType = z.infer<typeof typeSchema>;

/** What must hold between the stages of a sequence. Without it each stage is simply handed what the one before brought. */
export const handoffsSchema = z.strictObject({
  /** Fields that a stage's result must have, by stage. */
  outputs: z.record(nodeSchema.shape.id, z.array(field).min(1)).default({}),
  /** What a stage can work with: fields of the result handed to it and what they hold, by stage. */
  inputs: z.record(nodeSchema.shape.id, z.record(field, typeSchema)).default({}),
  /** The least quality, where somebody judged. */
  quality: z.number().min(0).max(100).default(70),
  /** How often a stage does its work again after a refusal. */
  rework: z.number().int().min(0).max(5).default(1),
});
export type Handoffs = z.infer<typeof handoffsSchema>;

/** What is wrong with it, by the key it stands under. */
export function handoffsProblems(
  stages: readonly Node[],
  handoffs: Handoffs | undefined,
): { readonly path: string[]; readonly message: string }[] {
  const ids = stages.map(({ id }) => id);
  return (['outputs', 'inputs'] as const).flatMap((key) =>
    Object.keys(handoffs?.[key] ?? {}).flatMap((id) =>
      ids.includes(id)
        ? []
        : [
            {
              path: ['handoffs', key, id],
              message: `There is no stage "${id}". Write one of: ${ids.join(', ')}.`,
            },
          ],
    ),
  );
}

/** Runs the stages, each handoff validated; a refused one takes the worktree back to where the last good one left it. */
export function* validatedStages(
  node: { readonly id: string; readonly stages: readonly Node[] },
  handoffs: Handoffs,
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Handoff> {
  let good = input;
  let tree = yield* kept(node.id, flow, context);
  for (const [at, stage] of node.stages.entries()) {
    const next = node.stages[at + 1];
    let refused: readonly string[] = [];
    for (let rework = 0; ; rework += 1) {
      const given =
        rework === 0
          ? good
          : { ...good, validation: { passed: false, quality: null, findings: [...refused] } };
      const handoff = yield* context.run(stage, given, flow);
      refused = validate(stage, next, handoff, handoffs);
      yield* flow.emit({
        type: 'handoff',
        from: stage.id,
        to: next?.id ?? node.id,
        summary: refused[0] ?? handoff.context.at(-1)?.summary ?? '',
        warnings: handoff.warnings,
        refused: [...refused],
        bytes: Buffer.byteLength(JSON.stringify(handoff)),
        rework,
      });
      if (refused.length === 0) {
        good = handoff;
        tree = yield* kept(stage.id, flow, context);
        break;
      }
      yield* flow.step(
        'roll-back',
        restoreSnapshot,
        { node: stage.id, stream: context.stream, tree },
        { label: 'going back to the last validated state' },
      );
      if (rework >= handoffs.rework) throw notGoodEnough(stage, rework, refused);
    }
  }
  return good;
}

function* kept(node: string, flow: Flow, context: RunContext): Operation<string> {
  const at = yield* flow.now('validated-at');
  const input = { node, stream: context.stream, at };
  return (yield* flow.step('validated', takeSnapshot, input, { label: 'keeping a validated state' })).tree;
}

/** The four validators of a handoff; what each has against it, empty when nothing. Pure. */
export function validate(
  stage: Node,
  next: Node | undefined,
  handoff: Handoff,
  { outputs, inputs, quality }: Handoffs,
): string[] {
  const { result, validation } = handoff;
  const whole = handoffSchema.safeParse(handoff).success;
  const missing = (outputs[stage.id] ?? []).filter((name) => fieldOf(result, name) === undefined);
  const low = validation.quality !== null && validation.quality < quality;
  const wanted = Object.entries(next === undefined ? {} : (inputs[next.id] ?? {}));
  const unfit = wanted.filter(([name, type]) => !fits(fieldOf(result, name), type));
  return [
    ...(whole ? [] : ['The package is not complete']),
    ...missing.map((name) => `The result has no "${name}"`),
    ...(low ? [`The quality is ${validation.quality ?? 0}, below ${quality}`] : []),
    ...unfit.map(
      ([name, type]) => `"${next?.id ?? ''}" needs "${name}" (${type}) and cannot work with what it is given`,
    ),
    ...(validation.passed
      ? []
      : [`It did not pass: ${validation.findings.slice(0, 3).join('; ') || 'no reason was given'}`]),
  ];
}

/** Null counts as not there: nobody can go on from it. */
function fieldOf(result: Json, name: string): Json | undefined {
  if (result === null || typeof result !== 'object' || Array.isArray(result)) return undefined;
  return Object.hasOwn(result, name) ? (result[name] ?? undefined) : undefined;
}

function fits(value: Json | undefined, type: FieldType): boolean {
  if (value === undefined) return false;
  switch (type) {
    case 'any':
      return true;
    case 'text':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number';
    case 'yes-no':
      return typeof value === 'boolean';
    case 'list':
      return Array.isArray(value);
    case 'fields':
      return typeof value === 'object' && !Array.isArray(value);
    default:
      return type satisfies never;
  }
}

function notGoodEnough(stage: Node, rework: number, refused: readonly string[]): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'handoff_refused',
    message: `What "${stage.id}" hands over was refused${rework === 0 ? '' : ` (${rework} times done again)`}: ${refused.slice(0, 3).join('; ')}`,
    hint: 'The files are as the last validated stage left them; what was refused is kept as a snapshot.',
  });
}
