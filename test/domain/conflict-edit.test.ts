import { describe, expect, test } from 'vitest';
import {
  EDIT_CHARS,
  editProblem,
  FIELD_CHARS,
  fitsAForm,
  fromFields,
  inFields,
} from '../../src/domain/conflict-edit.ts';

/** Lines of all kinds that files in conflict have, over and over. */
const LINES = [
  'a',
  '<<<<<<< first',
  '  in',
  '',
  '=======',
  '\tindented, and long '.repeat(4),
  '>>>>>>> second',
  'z',
];

describe('a file in the fields of a form', () => {
  test('comes back as it went in, in fields that Slack takes', () => {
    const parts = new Set<number>();
    for (let count = 1; count <= 800; count += 1) {
      const text = `${Array.from({ length: count }, (_, at) => LINES[at % LINES.length]).join('\n')}\n`;
      const fields = inFields(text);
      parts.add(fields?.length ?? 0);
      if (fields === null) {
        expect(text.length).toBeGreaterThan(EDIT_CHARS * 0.9);
        continue;
      }
      expect(fields.every((field) => field.length < FIELD_CHARS)).toBe(true);
      expect(fromFields(fields)).toBe(text);
    }
    expect(parts).toEqual(new Set([0, 1, 2, 3, 4]));
  });

  test('is not offered with a line or a length that no form takes', () => {
    expect(inFields(`${'x'.repeat(2_501)}\n`)).toBeNull();
    expect(inFields('0123456789\n'.repeat(1_200))).toBeNull();
    expect(inFields('0123456789\n'.repeat(200))).toHaveLength(1);
  });

  test.each([
    ['plain', 'a\tb\n', true],
    ['a line end of Windows', 'a\r\n', false],
    ['nothing', '\0', false],
    ['a character that takes no space', 'a\u200bb', false],
    ['one that turns text round', 'a\u202eb', false],
    ['a picture', 'done 🎉', false],
    ['other scripts', 'grün, 漢字', true],
  ])('%s', (_name, text, fits) => expect(fitsAForm(text)).toBe(fits));

  test('what comes back is taken with a last line end, and what cannot be the file is said', () => {
    expect(fromFields(['a\r\nb', '', 'c'])).toBe('a\nb\nc\n');
    expect(fromFields(['', ''])).toBe('');
    const same = (text: string) => text;
    expect(editProblem('a\n', same)).toBeNull();
    expect(editProblem('', same)).toMatch(/empty/);
    expect(editProblem('<<<<<<< a\n=======\n>>>>>>> b\n', same)).toMatch(/still in it/);
    expect(editProblem('a\n=======\nb\n', same)).toBeNull();
    expect(editProblem('x'.repeat(20_000), same)).toMatch(/longer than/);
    expect(editProblem('key\n', (text) => text.replace('key', '…'))).toMatch(/secret/);
  });
});
