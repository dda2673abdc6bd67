import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseOptions } from '../../commands/options.ts';

describe('options among the words of a request', () => {
  test.each([
    ['Add CSV export', 'Add CSV export', {}, []],
    ['Add CSV repo:acme/web export', 'Add CSV export', { repo: 'acme/web' }, []],
    ['repo:/srv/app Add CSV', 'Add CSV', { repo: '/srv/app' }, []],
    ['Add CSV repo:https://host/a.git', 'Add CSV', { repo: 'https://host/a.git' }, []],
    ['repo:one repo:two x', 'x', { repo: 'two' }, []],
    ['Add CSV budget:$5 by:17:00', 'Add CSV', { budget: '$5', by: '17:00' }, []],
    ['Add CSV budgt:$5', 'Add CSV', {}, [{ word: 'budgt', meant: 'budget' }]],
    ['Add CSV patern:mesh', 'Add CSV', {}, [{ word: 'patern', meant: 'pattern' }]],
    ['a full disk:full, type:any, be:x', 'a full disk:full, type:any, be:x', {}, []],
    ['Fix: the header at 12:30, see http://x/y', 'Fix: the header at 12:30, see http://x/y', {}, []],
    ['note:this stays, Repo:this too', 'note:this stays, Repo:this too', {}, []],
    ['repo: with a space', 'repo: with a space', {}, []],
    ['first\n- a list\n\n  - below repo:x\nend', 'first\n- a list\n\n  - below end', { repo: 'x' }, []],
    ['', '', {}, []],
  ])('%j', (rest, text, values, unknown) => {
    const parsed = parseOptions(rest);
    expect([parsed.text, Object.fromEntries(parsed.values), parsed.unknown]).toEqual([text, values, unknown]);
  });

  test('words that are no options come through as they were typed', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/(?:^|\s)(?:by|[bpqur][a-z]{2,}):\S/.test(text)),
        (text) => {
          expect(parseOptions(text)).toEqual({ text: text.trim(), values: new Map(), unknown: [] });
        },
      ),
    );
  });
});
