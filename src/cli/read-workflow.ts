import { BatonError } from '../domain/failure.ts';
import type { Workflow } from '../domain/workflow.ts';
import { loadWorkflow, type TreeRules } from '../workflows/load.ts';
import { readNamedFile } from './read-file.ts';

/** @throws BatonError `workflow_invalid` with every problem as file:line, or `file_unreadable` */
export function readWorkflowFile(file: string, rules: TreeRules): Workflow {
  const loaded = loadWorkflow(readNamedFile(file), rules);
  if (loaded.ok) return loaded.workflow;
  throw new BatonError({
    class: 'terminal',
    code: 'workflow_invalid',
    message: loaded.problems
      .map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`)
      .join('\n'),
    hint: 'Nothing was run.',
  });
}
