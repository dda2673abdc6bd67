import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BareIds, byIdIn, idIn, idsIn, writtenId } from '../../src/domain/slack-id.ts';

describe('an id as it is written', () => {
  test.each<[written: string, team: string, bare: BareIds, here: string | null]>([
    ['U1', 'T1', 'one', 'U1'],
    ['U1', 'E1:T1', 'one', 'U1'],
    ['U1', 'T1', { of: 'T1' }, 'U1'],
    ['U1', 'E1:T1', { of: 'T1' }, 'U1'],
    ['U1', 'T2', { of: 'T1' }, null],
    ['U1', 'T1', null, null],
    ['T1/U1', 'T1', null, 'U1'],
    ['T1/U1', 'E1:T1', null, 'U1'],
    ['T1/U1', 'T2', 'one', null],
    ['T1/U1', 'T11', null, null],
    ['T11/U1', 'T1', null, null],
    ['E1/W1', 'E1:T1', null, 'W1'],
    ['E1/W1', 'E1:T2', null, 'W1'],
    ['E1/W1', 'E2:T1', null, null],
    ['E1:T1/U1', 'E1:T1', null, 'U1'],
    ['E1:T1/U1', 'E2:T1', null, null],
    ['E1:T1/U1', 'T1', null, null],
  ])('%s in %s, where bare ones are %j', (written, team, bare, here) => {
    expect(idIn(written, team, bare)).toBe(here);
  });

  test('is a letter with others, and at most one workspace before it', () => {
    const schema = writtenId('UW', 'no');
    for (const good of ['U1', 'W0AB', 'T1/U1', 'E1/W1', 'E1:T1/U1'])
      expect(schema.safeParse(good).success).toBe(true);
    for (const bad of ['u1', 'S1', 'T1/S1', 'T1/T2/U1', '/U1', 'T1/', 'T1:E1/U1', 'U1/U1', 'T1/U1\n', '*/U1'])
      expect(schema.safeParse(bad).success, bad).toBe(false);
  });

  test('means somebody of one workspace only, whatever is written', () => {
    const id = (letter: string) => fc.stringMatching(/^[A-Z0-9]{1,3}$/).map((rest) => `${letter}${rest}`);
    const team = fc.oneof(
      id('T'),
      fc.tuple(id('E'), id('T')).map((both) => both.join(':')),
    );
    let reached = 0;
    fc.assert(
      fc.property(id('U'), fc.uniqueArray(team, { minLength: 2, maxLength: 6 }), (user, teams) => {
        const [own = ''] = teams;
        const where = teams.filter((each) => idIn(`${own}/${user}`, each, null) !== null);
        // Its own; and where it is written without an organisation, the same team of any.
        expect(where).toContain(own);
        const bare = own.split(':').at(-1);
        for (const each of where)
          expect(own.includes(':') ? each : each.split(':').at(-1)).toBe(own.includes(':') ? own : bare);
        if (where.length < teams.length) reached += 1;
      }),
    );
    expect(reached).toBeGreaterThan(50);
  });

  test('lists and records keep those of the workspace, in their order', () => {
    expect(idsIn(['T2/U9', 'T1/U2', 'U3', 'T1/U1', 'T1/U2'], 'T1', null)).toEqual(['U2', 'U1']);
    const record = byIdIn({ 'T1/U2': 'b', 'T2/U1': 'x', 'T1/U1': 'a' }, 'T1', null);
    expect(Object.entries(record)).toEqual([
      ['U2', 'b'],
      ['U1', 'a'],
    ]);
  });
});
