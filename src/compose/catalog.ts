import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { RESERVED_WORDS } from '../../commands/reserved.ts';
import { withServers } from '../agents/mcp/roles.ts';
import { loadRoles } from '../agents/registry.ts';
import { withRunners } from '../agents/runners.ts';
import { type Declarations, eventTypes } from '../domain/bus-event.ts';
import { BatonError } from '../domain/failure.ts';
import type { McpServers } from '../domain/mcp-settings.ts';
import type { Runners } from '../domain/runner-settings.ts';
import type { SavedWorkflow, Workflow } from '../domain/workflow.ts';
import type { Catalog } from '../orchestrator/catalog.ts';
import { patterns } from '../patterns/all.ts';
import { locksOf, referencesOf } from '../patterns/control.ts';
import { Interpreter } from '../patterns/interpreter.ts';
import { standInsOf } from '../patterns/on-error.ts';
import { type FolderState, WorkflowFolder } from '../workflows/folder.ts';
import { liveMap } from '../workflows/live-map.ts';
import type { TreeRules } from '../workflows/load.ts';
import { saveWorkflow } from '../workflows/save.ts';

/** Where what ships lies. */
export const SHIPPED = fileURLToPath(new URL('../../catalog', import.meta.url));

export interface LoadedCatalog extends Catalog {
  readonly interpreter: Interpreter;
  /** What workflow files are checked against. */
  readonly rules: TreeRules;
  /** What is wrong now with files of Baton's home, as file:line:column; their last good versions are used. */
  readonly problems: () => readonly string[];
  /** Writes one into `workflows/` of the home, from where it can be started at once. Never overwrites. */
  readonly save: (workflow: Workflow) => SavedWorkflow;
}

export interface CatalogOptions {
  /** Workflows beside those of the folders; the same name replaces. */
  readonly extra?: readonly Workflow[] | undefined;
  /** Told of each file that was changed and cannot be used any more. */
  readonly onProblem?: ((problem: string) => void) | undefined;
  /** Events of the person's own; without them, events are not looked at. */
  readonly events?: Declarations | undefined;
  /** Programs that play agents. */
  readonly runners?: Runners | undefined;
  /** Servers whose tools agents may use. */
  readonly mcp?: McpServers | undefined;
}

/**
 * Roles and workflows that ship, then those in `agents/` and `workflows/` of Baton's home; the same name replaces.
 * Workflow files of the home are read again when they have changed, everything else only here.
 * @throws BatonError `roles_invalid` or `workflow_invalid` with every problem as file:line
 */
export function loadCatalog(
  home: string,
  { extra = [], onProblem, runners = {}, mcp = {}, events }: CatalogOptions = {},
): LoadedCatalog {
  const interpreter = new Interpreter(patterns);
  const known = loadRoles([path.join(SHIPPED, 'agents'), path.join(home, 'agents')]);
  const roles = withServers(withRunners(known, runners), mcp);
  const rules = treeRules(interpreter, [...roles.keys()], events);
  const started: { onProblem: (problem: string) => void } = { onProblem: () => undefined };
  const folder = (parent: string, beside: readonly Workflow[]) =>
    new WorkflowFolder({
      beside,
      folder: path.join(parent, 'workflows'),
      rules,
      reserved: RESERVED_WORDS,
      onProblem: (problem) => started.onProblem(problem),
    });
  const shipped = allGood(folder(SHIPPED, []).read());
  const own = folder(home, [...shipped, ...extra]);
  allGood(own.read());
  // At the start a broken file stops everything and is told by that.
  started.onProblem = onProblem ?? started.onProblem;
  let merged: { readonly of: FolderState; readonly workflows: ReadonlyMap<string, Workflow> } | null = null;
  const current = (): ReadonlyMap<string, Workflow> => {
    const state = own.read();
    if (merged?.of !== state) {
      const all = [...shipped, ...state.workflows, ...extra];
      merged = { of: state, workflows: new Map(all.map((workflow) => [workflow.name, workflow])) };
    }
    return merged.workflows;
  };
  return {
    interpreter,
    rules,
    roles,
    workflows: liveMap(current),
    problems: () => own.read().problems,
    save: (workflow) =>
      saveWorkflow(workflow, {
        folder: path.join(home, 'workflows'),
        rules,
        reserved: RESERVED_WORDS,
        taken: new Set(current().keys()),
      }),
  };
}

/** Nodes that tell an event or wait for one. */
const eventNode = z.object({ kind: z.enum(['emit', 'receive']), event: z.string() });

/** What workflow files are checked against. */
export function treeRules(
  interpreter: Interpreter,
  agents: readonly string[],
  declared?: Declarations,
): TreeRules {
  return {
    kinds: interpreter.kinds,
    agents,
    reserved: RESERVED_WORDS,
    references: referencesOf,
    locks: locksOf,
    events: (node) => {
      const { event } = eventNode.safeParse(node).data ?? {};
      return event === undefined ? [] : [{ key: 'event', name: event }];
    },
    knownEvents: declared === undefined ? undefined : [...eventTypes(declared).keys()],
    schema: (kind) => interpreter.find(kind)?.schema,
    children: (node) => interpreter.find(node.kind)?.children(node) ?? [],
    asks: (node) => [
      ...(interpreter.find(node.kind)?.agents(node) ?? []),
      ...standInsOf(node).map((agent) => ({ agent })),
    ],
  };
}

function allGood({ workflows, problems }: FolderState): readonly Workflow[] {
  if (problems.length === 0) return workflows;
  throw new BatonError({
    class: 'terminal',
    code: 'workflow_invalid',
    message: problems.join('\n'),
    hint: 'Correct the file, or take it out of the folder. Nothing was started.',
  });
}
