import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';

const MAIN = `import { type Said, said } from "./said.ts";
try {
  const text: Said = said; throw new Error(text);
} catch (error) {
  console.log(error instanceof Error && error.stack);
}
`;

const made = mkdtempSync(path.join(tmpdir(), 'stripped-'));
afterAll(() => rmSync(made, { recursive: true, force: true }));

let place = '';
let count = 0;
beforeEach(() => {
  count += 1;
  place = path.join(made, String(count));
  cpSync(fileURLToPath(new URL('../../bin', import.meta.url)), path.join(place, 'bin'), { recursive: true });
  mkdirSync(path.join(place, 'src'));
  says('one');
  writeFileSync(path.join(place, 'src/main.ts'), MAIN);
});

function says(word: string): void {
  const text = `export type Said = string;\n\nexport const said: Said = "${word}";\n`;
  writeFileSync(path.join(place, 'src/said.ts'), text);
}

function run(): string {
  return execFileSync(process.execPath, ['--import', './bin/load-stripped.mjs', 'src/main.ts'], {
    cwd: place,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

function kept(): string[] {
  const folder = path.join(place, `node_modules/.cache/baton/stripped-${process.version}`);
  return readdirSync(folder).map((name) => path.join(folder, name));
}

describe('types are taken out once', () => {
  test('and lines and columns stay what they are in the file', () => {
    const first = run();
    expect(first).toContain('Error: one');
    expect(first).toContain('src/main.ts:3:34');
    const written = kept().map((file) => statSync(file).ino);
    expect(written).toHaveLength(2);
    expect(run()).toBe(first);
    // Read, not written again.
    expect(kept().map((file) => statSync(file).ino)).toEqual(written);
  });

  test('what was kept counts while the file is the same', () => {
    run();
    says('two');
    expect(run()).toContain('Error: two');
    expect(kept()).toHaveLength(2);
  });

  test.each([0, 70, 140])('what was kept and is no longer whole is made anew, cut at %d', (length) => {
    run();
    for (const file of kept()) writeFileSync(file, readFileSync(file, 'utf8').slice(0, length));
    expect(run()).toContain('Error: one');
  });

  test('where nothing can be kept, it runs all the same', () => {
    mkdirSync(path.join(place, 'node_modules/.cache'), { recursive: true });
    writeFileSync(path.join(place, 'node_modules/.cache/baton'), 'no folder');
    expect(run()).toContain('Error: one');
  });
});
