import { readFileSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The picture of the imports in ARCHITECTURE.md, drawn from the imports themselves. `node test/docs/imports.ts` writes
 * it; a test holds the document to it.
 */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TOPS = ['bin', 'commands', 'db', 'desk', 'handlers', 'src'];
export const PICTURE = /<!-- imports -->\n[\s\S]*?<!-- \/imports -->/;

/** The place a file belongs to: a folder of `src`, one of the other top folders, or a file right under `src` by itself. */
function roomOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  return top === 'src' ? second.replace('.ts', '') : top;
}

/** Which rooms each room imports, itself left out. */
export async function imports(): Promise<Map<string, Set<string>>> {
  const rooms = new Map<string, Set<string>>();
  for (const top of TOPS) {
    for (const name of await readdir(join(ROOT, top), { recursive: true })) {
      if (!/\.(ts|tsx|mjs)$/.test(name) || name.includes('dist/') || name.includes('sample/')) continue;
      const file = `${top}/${name}`;
      const text = await readFile(join(ROOT, file), 'utf8');
      const from = roomOf(file);
      const to = rooms.get(from) ?? new Set();
      rooms.set(from, to);
      for (const [, target = ''] of text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
        const room = roomOf(relative(ROOT, join(ROOT, dirname(file), target)));
        if (room !== from) to.add(room);
      }
    }
  }
  return rooms;
}

/** Leaves out arrows that others imply, so that the picture can be read. */
function reduced(rooms: ReadonlyMap<string, ReadonlySet<string>>): [string, string][] {
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean => {
    if (seen.has(from)) return false;
    seen.add(from);
    return [...(rooms.get(from) ?? [])].some((next) => next === to || reaches(next, to, seen));
  };
  return [...rooms].flatMap(([from, to]) =>
    [...to]
      .filter((each) => ![...to].some((other) => other !== each && reaches(other, each)))
      .map((each): [string, string] => [from, each]),
  );
}

/** The picture as it stands in the document. */
export async function picture(): Promise<string> {
  const arrows = reduced(await imports()).map(([from, to]) => `  ${from} --> ${to}`);
  return [
    '<!-- imports -->',
    '```mermaid',
    'flowchart TD',
    ...arrows.sort(),
    '  desk',
    '```',
    '<!-- /imports -->',
  ].join('\n');
}

if (import.meta.main) {
  const file = join(ROOT, 'ARCHITECTURE.md');
  writeFileSync(file, readFileSync(file, 'utf8').replace(PICTURE, await picture()));
}
