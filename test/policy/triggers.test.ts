import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { lookOf, readPolicy, triggerKinds } from '../../src/policy/approval-settings.ts';

/** Where a look is taken: everywhere in Baton but where it is defined. */
const sources = globSync('{src,commands,handlers}/**/*.ts')
  .filter((file) => !file.endsWith('orchestrator/findings.ts'))
  .map((file) => readFileSync(file, 'utf8'));
const taken = (look: string): boolean =>
  sources.some((text) => new RegExp(`\\b\\w*findings\\.${look}\\(`, 'i').test(text));

describe('a trigger', () => {
  test.each(triggerKinds)('%s loads if, and only if, somebody asks about it', (when) => {
    const trigger = { when, patterns: ['x/**'], above: 5 };
    const { problem } = readPolicy({ triggers: [trigger] }, {});
    if (taken(lookOf[when])) expect(problem).toBeNull();
    else expect(problem).toContain('nothing in this version of Baton asks about this');
  });

  test('is looked for in real sources, and most are found there', () => {
    expect(sources.length).toBeGreaterThan(300);
    expect(triggerKinds.filter((when) => taken(lookOf[when])).length).toBeGreaterThanOrEqual(8);
    expect(taken('ofNothingAtAll')).toBe(false);
  });

  test('that is switched off loads whatever it is', () => {
    for (const when of triggerKinds)
      expect(
        readPolicy({ triggers: [{ when, off: true, patterns: ['x'], above: 1 }] }, {}).problem,
      ).toBeNull();
  });

  test('about cost names an amount, and no code owners', () => {
    expect(readPolicy({ triggers: [{ when: 'cost' }] }, {}).problem).toContain('cost needs above');
    expect(readPolicy({ triggers: [{ when: 'cost', above: 1, code_owners: true }] }, {}).problem).toContain(
      'no code owners',
    );
  });
});
