#!/usr/bin/env node
// Plain JavaScript that any Node can read: the rest needs Node 22, which runs TypeScript as it is.
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { loadStripped } from './stripped.mjs';

const [major] = process.versions.node.split('.').map(Number);
if (major < 22) {
  console.error(`Baton needs Node 22 or newer; this is ${process.versions.node}.`);
  console.error(
    'Start it with "npm start": Baton brings its own Node. Or install Node 22 or newer and try again.',
  );
  process.exit(1);
}
process.removeAllListeners('warning');
// Code that was compiled once is not compiled again at the next start. It is kept beside the code itself, where nobody
// else may write.
const cache = fileURLToPath(new URL('../node_modules/.cache/baton', import.meta.url));
nodeModule.enableCompileCache?.(cache);
loadStripped();
const { main } = await import('../src/main.ts');
await main(process.argv.slice(2));
