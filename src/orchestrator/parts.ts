import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { AgentRole } from '../domain/agent.ts';
import { type Handoff, handoffSchema } from '../domain/handoff.ts';
import { asJson, canonicalJson } from '../domain/json.ts';
import type { RunSpec } from '../domain/run.ts';
import { sandboxKinds } from '../domain/sandbox-kind.ts';
import type { Node } from '../domain/workflow.ts';
import { type GivenContext, INTERPRETER_VERSION, type Interpreter } from '../patterns/interpreter.ts';
import type { Flow, Operation, Program } from '../ports/flow.ts';
import type { Runner } from '../ports/runner.ts';
import {
  type SessionDefinition,
  type SessionInput,
  sessionDefinitionSchema,
  sessionInputSchema,
} from './contracts.ts';
import { type Kept, keptSchema } from './keep.ts';
import { permitFor } from './permit.ts';

const PART_PROGRAM = 'part';

/** What a part of a run is told beside what its session was: where it stands, and what it is handed. */
const placeSchema = z.object({
  request: z.string(),
  testCommand: z.array(z.string()).nullable(),
  stream: z.string().nullable(),
  holding: z.boolean(),
  sandbox: z.enum(sandboxKinds),
  allowUnsandboxed: z.boolean(),
  handoff: handoffSchema,
});
type Place = z.infer<typeof placeSchema>;

const partInputSchema = sessionInputSchema.extend({ part: placeSchema });

/** `approved`: the tree that people allowed to be kept in it, null once it changed since; absent when neither happened. */
const partResultSchema = z.object({ handoff: handoffSchema, approved: keptSchema.nullable().optional() });

type Begin = NonNullable<GivenContext['child']>;

/** What a run needs to begin parts of itself. */
interface Whole {
  readonly definition: SessionDefinition;
  readonly input: SessionInput;
  readonly place: Omit<Place, 'handoff' | 'stream' | 'holding'>;
  readonly approved: (kept: Kept | null) => void;
}

/**
 * Begins nodes as runs of their own, with journals of their own, in the worktree of the run they are part of. A part is
 * cancelled with its parent, and its failure is the parent's to handle.
 */
export function partsOf({ definition, input, place, approved }: Whole): Begin {
  return function* begin(node: Node, handoff: Handoff, flow: Flow, where) {
    const own = { ...definition, workflow: { ...definition.workflow, flow: node } };
    const spec = specOf(own, { ...input, part: { ...place, ...where, handoff } });
    const end = yield* flow.child('run', spec, partResultSchema);
    // What people allow of a stream is not yet what they allow of the whole.
    if (end.approved !== undefined && where.stream === null) approved(end.approved);
    return end.handoff;
  };
}

function specOf(definition: SessionDefinition, input: z.infer<typeof partInputSchema>): RunSpec {
  const pinned = { program: PART_PROGRAM, version: INTERPRETER_VERSION, definition: asJson(definition) };
  return {
    program: PART_PROGRAM,
    programVersion: INTERPRETER_VERSION,
    definition: pinned.definition,
    input: asJson(input),
    hash: createHash('sha256').update(canonicalJson(pinned)).digest('hex'),
  };
}

/** The run of a part: its node, and nothing around it. Worktree, plan and end are its root's. */
export function partProgram(
  interpreter: Interpreter,
  agentsOf: (
    roles: readonly AgentRole[],
    changed: (stream: string | null) => void,
  ) => {
    readonly role: (name: string) => AgentRole;
    readonly runner: (role: AgentRole) => Runner;
  },
): Program {
  return {
    name: PART_PROGRAM,
    version: INTERPRETER_VERSION,
    *run(given, stored, flow) {
      const definition = sessionDefinitionSchema.parse(given);
      const input = partInputSchema.parse(stored);
      return asJson(yield* part(definition, input, flow));
    },
  };

  function* part(
    definition: SessionDefinition,
    input: z.infer<typeof partInputSchema>,
    flow: Flow,
  ): Operation<z.infer<typeof partResultSchema>> {
    const { handoff, stream, holding, ...place } = input.part;
    const node = definition.workflow.flow;
    const kept: { approved?: Kept | null } = {};
    const approved = (state: Kept | null): void => {
      kept.approved = state;
    };
    const permit = yield* permitFor(
      { ...place, runsCommands: true, gated: input.gated, node: node.id },
      flow,
    );
    const agents = agentsOf(definition.roles, (changed) => {
      if (changed === null) kept.approved = null;
    });
    const end = yield* interpreter.run(
      node,
      handoff,
      flow,
      {
        request: place.request,
        testCommand: place.testCommand,
        stream,
        admission: definition.admission === true,
        stepLimits: definition.stepLimits,
        ...agents,
        permit,
        approved,
        child: partsOf({ definition, input: sessionInputSchema.parse(input), place, approved }),
      },
      holding,
    );
    return { handoff: end, ...kept };
  }
}
