import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadRoles } from '../agents/registry.ts';
import { BatonError } from '../domain/failure.ts';
import type { Workflow } from '../domain/workflow.ts';
import type { Catalog } from '../orchestrator/catalog.ts';
import { patterns } from '../patterns/all.ts';
import { Interpreter } from '../patterns/interpreter.ts';
import { standInsOf } from '../patterns/on-error.ts';
import { loadWorkflow, type TreeRules } from '../workflows/load.ts';

/** Where what ships lies. */
export const SHIPPED = fileURLToPath(new URL('../../catalog', import.meta.url));

export interface LoadedCatalog extends Catalog {
  readonly interpreter: Interpreter;
  /** What workflow files are checked against. */
  readonly rules: TreeRules;
}

/**
 * Roles and workflows that ship, then those in `agents/` and `workflows/` of Baton's home; the same name replaces.
 * @throws BatonError `roles_invalid` or `workflow_invalid` with every problem as file:line
 */
export function loadCatalog(home: string, extra: readonly Workflow[] = []): LoadedCatalog {
  const interpreter = new Interpreter(patterns);
  const roles = loadRoles([path.join(SHIPPED, 'agents'), path.join(home, 'agents')]);
  const rules = treeRules(interpreter, [...roles.keys()]);
  const folders = [path.join(SHIPPED, 'workflows'), path.join(home, 'workflows')];
  const found = [...folders.flatMap((folder) => workflowsIn(folder, rules)), ...extra];
  return {
    interpreter,
    rules,
    roles,
    workflows: new Map(found.map((workflow) => [workflow.name, workflow])),
  };
}

/** What workflow files are checked against. */
export function treeRules(interpreter: Interpreter, agents: readonly string[]): TreeRules {
  return {
    kinds: interpreter.kinds,
    agents,
    schema: (kind) => interpreter.find(kind)?.schema,
    children: (node) => interpreter.find(node.kind)?.children(node) ?? [],
    asks: (node) => [
      ...(interpreter.find(node.kind)?.agents(node) ?? []),
      ...standInsOf(node).map((agent) => ({ agent })),
    ],
  };
}

function workflowsIn(folder: string, rules: TreeRules): Workflow[] {
  if (!existsSync(folder)) return [];
  const problems: string[] = [];
  const workflows = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml') || name.endsWith('.yml'))
    .sort()
    .flatMap((name) => {
      const loaded = loadWorkflow(readFileSync(path.join(folder, name), 'utf8'), rules);
      if (loaded.ok) return [loaded.workflow];
      for (const { line, column, message } of loaded.problems)
        problems.push(`${path.join(folder, name)}:${line}:${column}: ${message}`);
      return [];
    });
  if (problems.length > 0) {
    throw new BatonError({
      class: 'terminal',
      code: 'workflow_invalid',
      message: problems.join('\n'),
      hint: 'Correct the file, or take it out of the folder. Nothing was started.',
    });
  }
  return workflows;
}
