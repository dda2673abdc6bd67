import { loadCatalog } from '../compose/catalog.ts';
import type { Workflow } from '../domain/workflow.ts';
import { loadWorkflow } from '../workflows/load.ts';
import { configFromEnvironment } from './environment.ts';
import { readNamedFile } from './read-file.ts';

/** `baton validate FILE...`: every problem with its line, and how many files are good. */
export function validate(files: readonly string[]): number {
  if (files.length === 0) {
    console.error('Which file? baton validate FILE...');
    return 2;
  }
  const { home, runners, mcp, events } = configFromEnvironment();
  const catalog = loadCatalog(home, { runners, mcp: mcp.servers, events: events.declared });
  const texts = new Map(files.map((file) => [file, readNamedFile(file)]));
  const together = new Map<string, Workflow>();
  for (const text of texts.values()) {
    const loaded = loadWorkflow(text, catalog.rules);
    if (loaded.ok) together.set(loaded.workflow.name, loaded.workflow);
  }
  // Files named together may call each other.
  const rules = {
    ...catalog.rules,
    workflow: (name: string) => together.get(name) ?? catalog.workflows.get(name),
    workflowNames: [...together.keys(), ...catalog.workflows.keys()],
  };
  let bad = 0;
  for (const [file, text] of texts) {
    const loaded = loadWorkflow(text, rules);
    if (loaded.ok) {
      console.log(`${file}: good (${loaded.workflow.name}, ${loaded.hash.slice(0, 12)})`);
      continue;
    }
    bad += 1;
    for (const { line, column, message } of loaded.problems)
      console.error(`${file}:${line}:${column}: ${message}`);
  }
  return bad === 0 ? 0 : 1;
}
