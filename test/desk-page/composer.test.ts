import { describe, expect, it } from 'vitest';
import { suggest, usageOf } from '../../desk/page/components/suggestions.ts';
import { parseCommand } from '../../desk/page/text/typed.ts';
import { explain } from '../../desk/page/text/words.ts';
import { snapshotOf } from './samples.ts';

const { commands, people } = snapshotOf();

function offered(text: string, inThread = false): readonly string[] {
  return suggest(text, text.length, inThread, commands, people).map((offer) => offer.insert);
}

describe('what the composer offers', () => {
  it.each<[string, readonly string[]]>([
    ['/', ['/orchestrate ']],
    ['/ORCH', ['/orchestrate ']],
    ['/other', []],
    ['/orchestrate feature', []],
    ['hello /', []],
    ['hi @b', ['@bob ', '@baton ']],
    ['mail@b', []],
    ['/orchestrate show @b', []],
  ])('%s', (text, inserts) => {
    expect(offered(text)).toEqual(inserts);
  });

  it('no commands inside threads', () => {
    expect(offered('/', true)).toEqual([]);
  });

  it('replaces from the word’s beginning', () => {
    expect(suggest('hi @bo there', 6, false, commands, people)).toMatchObject([{ from: 3, insert: '@bob ' }]);
  });

  it('shows how a command is written once its name stands', () => {
    expect(usageOf('/orchestrate fea', commands)).toBe('/orchestrate feature <text>');
    expect(usageOf('/orchestrat', commands)).toBeNull();
  });
});

describe('slash commands', () => {
  it.each([
    ['/orchestrate feature Add CSV export', { command: '/orchestrate', text: 'feature Add CSV export' }],
    ['/Orchestrate', { command: '/orchestrate', text: '' }],
    ['/orchestrate\nfeature x\n', { command: '/orchestrate', text: 'feature x' }],
    ['/', null],
    ['/a/b', null],
    ['not /orchestrate', null],
  ])('%j', (text, wanted) => {
    expect(parseCommand(text)).toEqual(wanted);
  });
});

describe('errors for people', () => {
  it('name what failed and what to do', () => {
    expect(explain('dispatch_failed', '/orchestrate')).toContain('not connected');
    expect(explain('command_not_supported_in_threads', '/orchestrate')).toContain('inside threads');
    expect(explain('something_new', 'your click')).toBe('Your click failed: something_new.');
  });
});
