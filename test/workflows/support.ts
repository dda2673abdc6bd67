import { treeRules } from '../../src/compose/catalog.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { type FileProblem, loadWorkflow } from '../../src/workflows/load.ts';

export const rules = treeRules(new Interpreter(patterns), ['architect', 'backend', 'qa', 'reviewer']);

/** What is wrong with a file, as "line:column message". */
export function problemsOf(text: string): string[] {
  const loaded = loadWorkflow(text, rules);
  return loaded.ok ? [] : loaded.problems.map(shown);
}

function shown({ line, column, message }: FileProblem): string {
  return `${line}:${column} ${message}`;
}

/** A whole file around a flow, which begins on line 6. */
export function fileWith(flow: string): string {
  return `name: sample\ntitle: T\ndescription: D\nhow: H\nwhy: W\nflow:\n${flow}`;
}
