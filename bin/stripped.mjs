// Node 22 takes the types out of every TypeScript file anew at every start: half a second for all of Baton, and nothing
// that its compile cache would keep. What a file is without its types is kept here, beside the code itself, where
// nobody else may write; it counts only for exactly the same text and while it is whole, by the hashes of both.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const folder = fileURLToPath(new URL(`node_modules/.cache/baton/stripped-${process.version}`, root));

const digest = (text) => createHash('sha256').update(text).digest('hex');

/** A file's code without its types, lines and columns as they were. @param url of a `.ts` file */
export function stripped(url) {
  const source = readFileSync(fileURLToPath(url), 'utf8');
  const kept = path.join(folder, `${digest(url.slice(root.href.length))}.js`);
  const hash = digest(source);
  try {
    const text = readFileSync(kept, 'utf8');
    const code = text.slice(2 * hash.length);
    if (text.startsWith(hash + digest(code))) return code;
  } catch {
    // Not kept yet.
  }
  const code = `${nodeModule.stripTypeScriptTypes(source)}\n\n//# sourceURL=${url}`;
  try {
    mkdirSync(folder, { recursive: true });
    // Whole or not at all, though several processes may write it.
    const draft = `${kept}.${process.pid}`;
    writeFileSync(draft, hash + digest(code) + code);
    renameSync(draft, kept);
  } catch {
    // A folder that cannot be written costs time, nothing else.
  }
  return code;
}

function isOurs(url) {
  return url.startsWith(root.href) && url.endsWith('.ts') && !url.includes('/node_modules/');
}

/** From now on, files of Baton are loaded so. @returns false where Node cannot do it: it takes the types out by itself */
export function loadStripped() {
  if (nodeModule.registerHooks === undefined || nodeModule.stripTypeScriptTypes === undefined) return false;
  nodeModule.registerHooks({
    // Our files name one another by their paths; to look each up on the disk first takes longer than to load it.
    resolve: (name, context, next) =>
      name.startsWith('.') && name.endsWith('.ts') && isOurs(context.parentURL ?? '')
        ? { url: new URL(name, context.parentURL).href, format: 'module', shortCircuit: true }
        : next(name, context),
    load: (url, context, next) =>
      isOurs(url) ? { format: 'module', source: stripped(url), shortCircuit: true } : next(url, context),
  });
  return true;
}
