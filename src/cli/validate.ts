import { loadCatalog } from '../compose/catalog.ts';
import { loadWorkflow } from '../workflows/load.ts';
import { configFromEnvironment } from './environment.ts';
import { readNamedFile } from './read-file.ts';

/** `baton validate FILE...`: every problem with its line, and how many files are good. */
export function validate(files: readonly string[]): number {
  if (files.length === 0) {
    console.error('Which file? baton validate FILE...');
    return 2;
  }
  const { rules } = loadCatalog(configFromEnvironment().home);
  let bad = 0;
  for (const file of files) {
    const loaded = loadWorkflow(readNamedFile(file), rules);
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
