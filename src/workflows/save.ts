import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SavedWorkflow, Workflow } from '../domain/workflow.ts';
import { workflowText } from './build.ts';
import { loadWorkflow, type TreeRules } from './load.ts';

export interface SaveOptions {
  readonly folder: string;
  readonly rules: TreeRules;
  /** Names that no workflow may have. */
  readonly reserved: readonly string[];
  /** Names in use, wherever their files lie. */
  readonly taken: ReadonlySet<string>;
}

/**
 * Writes a workflow into `<folder>/<name>.yaml`, once it has been read back as a file would be. Never overwrites, and
 * the name cannot lead out of the folder: it is checked as every workflow's is.
 */
export function saveWorkflow(
  workflow: Workflow,
  { folder, rules, reserved, taken }: SaveOptions,
): SavedWorkflow {
  const { name } = workflow;
  if (reserved.includes(name))
    return { ok: false, problem: `"${name}" is a word of /orchestrate. Give it another name.` };
  if (taken.has(name)) return { ok: false, problem: `There is a workflow "${name}". Give it another name.` };
  const text = workflowText(workflow);
  const read = loadWorkflow(text, rules);
  if (!read.ok) return { ok: false, problem: read.problems.map(({ message }) => message).join(' ') };
  const file = path.join(folder, `${name}.yaml`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      return { ok: false, problem: `The file ${name}.yaml is there already. Give it another name.` };
    throw error;
  }
  return { ok: true, file };
}
