import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['src', 'db', 'commands', 'handlers'];
/** Their codes belong to other protocols: what a model server and what Slack answers. */
const FOREIGN = ['src/cast/', 'src/slack/out/send-errors.ts'];

interface Found {
  readonly codes: readonly string[];
  /** What could not be read as a code, so that a new way of writing one is not passed over. */
  readonly unread: readonly string[];
}

/** The codes of failures in a source text. A failure is written with its class first. */
function codesIn(text: string): Found {
  const codes: string[] = [];
  const unread: string[] = [];
  for (const [whole, value] of text.matchAll(/\bclass: [^,\n{}]+,\s*code(?:: ([^,]+))?,/g)) {
    const literals = value === undefined ? helperCodes(text) : literalsOf(value.trim());
    if (literals.length === 0) unread.push(whole);
    codes.push(...literals);
  }
  // `custom` is zod's own word for an issue that a schema raises.
  const before = text.matchAll(/(?<!\bclass: [^,\n{}]+,\s*)\bcode: '(?!custom')[a-z_]+'/g);
  return { codes, unread: [...unread, ...[...before].map(([whole]) => whole)] };
}

/** One literal, or the two ends of a choice. */
function literalsOf(value: string): string[] {
  const choice = /\?\s*'([a-z_]+)'\s*:\s*'([a-z_]+)'$/.exec(value);
  const one = /^'([a-z_]+)'$/.exec(value);
  return (choice ?? one)?.slice(1) ?? [];
}

/** Where a function is given the code, those its callers in the same file give. */
function helperCodes(text: string): string[] {
  return [...text.matchAll(/function (\w+)\(code: string/g)].flatMap(([, name]) =>
    [...text.matchAll(new RegExp(`(?<!function )\\b${name}\\(\\s*'([a-z_]+)'`, 'g'))].map(
      ([, code]) => code ?? '',
    ),
  );
}

async function sources(): Promise<{ readonly file: string; readonly text: string }[]> {
  const names = await Promise.all(
    FOLDERS.map(async (folder) =>
      (await readdir(join(ROOT, folder), { recursive: true })).map((name) => `${folder}/${name}`),
    ),
  );
  const files = names
    .flat()
    .filter((name) => name.endsWith('.ts') && !FOREIGN.some((foreign) => name.startsWith(foreign)));
  return Promise.all(files.map(async (file) => ({ file, text: await readFile(join(ROOT, file), 'utf8') })));
}

describe('docs/errors.md', () => {
  let inSource: ReadonlyMap<string, string> = new Map();
  let unread: readonly string[] = [];
  let rows: readonly (readonly string[])[] = [];

  beforeAll(async () => {
    const found = (await sources()).map(({ file, text }) => ({ file, ...codesIn(text) }));
    inSource = new Map(found.flatMap(({ file, codes }) => codes.map((code) => [code, file] as const)));
    unread = found.flatMap(({ file, unread: texts }) => texts.map((text) => `${file}: ${text}`));
    const page = await readFile(join(ROOT, 'docs/errors.md'), 'utf8');
    rows = page
      .split('\n')
      .filter((line) => /^\| `[a-z_]+` \|/.test(line))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
  });

  const documented = (): string[] => rows.map(([code]) => (code ?? '').replaceAll('`', ''));

  test('lists every code of the source', () => {
    expect(inSource.size).toBeGreaterThan(50);
    const missing = [...inSource].filter(([code]) => !documented().includes(code));
    expect(missing.map(([code, file]) => `${code} (${file})`)).toEqual([]);
  });

  test('lists no code that the source does not have', () => {
    expect(documented().filter((code) => !inSource.has(code))).toEqual([]);
  });

  test('says for each once what happened, what was kept and what to do', () => {
    expect(documented()).toEqual([...new Set(documented())]);
    expect(rows.filter((cells) => cells.length !== 4 || cells.includes(''))).toEqual([]);
  });

  test('no failure is written in a way this test cannot read', () => {
    expect(unread).toEqual([]);
  });
});

describe('codes are found', () => {
  test.each([
    ['on one line', "{ class: 'terminal', code: 'one', message }", ['one']],
    ['on several', "{\n  class: 'terminal',\n  code: 'one',\n  message: `a`,\n}", ['one']],
    ['as a choice', "{ class: 'terminal', code: a === 'x' ? 'one' : 'two', message }", ['one', 'two']],
    [
      'through a helper',
      "fail('one', 'a');\nfail(\n  'two',\n);\nfunction fail(code: string) { return { class: 'x', code, message }; }",
      ['one', 'two'],
    ],
  ])('%s', (_name, text, codes) => {
    expect(codesIn(text)).toEqual({ codes, unread: [] });
  });

  test('or said to be unreadable', () => {
    expect(codesIn("{ class: 'terminal', code: made(), message }").unread).toHaveLength(1);
    expect(codesIn("{ class: 'terminal', code, message }").unread).toHaveLength(1);
    expect(codesIn("{ code: 'one', class: 'terminal', message }").unread).toHaveLength(1);
  });
});
