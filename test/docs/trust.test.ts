import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** docs/trust.md tells what people may rely on: each row has to name code that is there and a test that is there. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(ROOT, 'docs/trust.md'), 'utf8');

interface Row {
  readonly what: string;
  readonly where: readonly string[];
  readonly shown: readonly { readonly file: string; readonly name: string }[];
  /** What stands in the last cell and is no reference. */
  readonly left: string;
}
const REFERENCE = /`(test\/[^`]+)` "([^"]+)"/g;

function rowsOf(section: string): Row[] {
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? '';
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (?:\||What |---)/.test(line))
    .map((line) => {
      const cells = line.split('|').map((cell) => cell.trim());
      const last = cells[4] ?? '';
      return {
        what: cells[1] ?? '',
        where: [...(cells[3] ?? '').matchAll(/`([^`]+)`/g)].map(([, file]) => file ?? ''),
        shown: [...last.matchAll(REFERENCE)].map(([, file, name]) => ({
          file: file ?? '',
          name: name ?? '',
        })),
        left: last.replace(REFERENCE, '').replace(/[,\s]/g, ''),
      };
    });
}

const sections = { Decisions: 14, Faults: 16, Attacks: 12 };
const all = Object.keys(sections).flatMap(rowsOf);

/** Whether a file has a test, or a group or case of tests, whose name has these words; templates are written as they stand. */
function hasTest(text: string, name: string): boolean {
  return text.split('\n').some((line) => {
    const at = line.indexOf(name);
    if (at === -1 || /^\s*(?:\/\/|\*|import)/.test(line)) return false;
    // Within quotes that are open before it: a name, and not what stands in code by chance.
    return /['"`][^'"`]*$/.test(line.slice(0, at));
  });
}

describe('docs/trust.md', () => {
  test('has all the rules, and as many faults and attacks as are known', () => {
    expect(rowsOf('Decisions').map(({ what }) => what)).toEqual(
      Array.from({ length: sections.Decisions }, (_, at) => `A${at + 1}`),
    );
    expect(rowsOf('Faults').length).toBeGreaterThanOrEqual(sections.Faults);
    expect(rowsOf('Attacks').length).toBeGreaterThanOrEqual(sections.Attacks);
  });

  test.each(all)('$what: its code and its tests are there', ({ where, shown, left }) => {
    expect(where.length).toBeGreaterThan(0);
    expect(where.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    expect(shown.length).toBeGreaterThan(0);
    expect(left).toBe('');
    const missing = shown.filter(
      ({ file, name }) =>
        !existsSync(join(ROOT, file)) || !hasTest(readFileSync(join(ROOT, file), 'utf8'), name),
    );
    expect(missing).toEqual([]);
  });

  test('the look at names finds what is there, and nothing else', () => {
    const text = "test(\n  'one thing, and another',\n);\n// 'a comment'\nconst other = thing;\n";
    expect(hasTest(text, 'one thing')).toBe(true);
    expect(hasTest(text, 'a comment')).toBe(false);
    expect(hasTest(text, 'other = thing')).toBe(false);
  });
});
