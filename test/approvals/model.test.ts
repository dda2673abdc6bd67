import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import { deeds } from './deeds.ts';
import { Broken, Model, playDeeds } from './model.ts';
import { type Faults, hash, newApproval, openWorld, personOf } from './world.ts';

/** Deeds in the normal suite, as many as fit into it; `npm run soak` plays a hundred times as many. */
const DEEDS = 10_000;
const WORLDS = 2;
const RESTART_EVERY = 500;

test(`${DEEDS} deeds of several people, clocks and restarts: A1 to A14 hold`, async () => {
  const reached = new Map<string, number>();
  for (let seed = 1; seed <= WORLDS; seed += 1)
    for (const [what, count] of await playDeeds(seed * 1_000, DEEDS / WORLDS, RESTART_EVERY))
      reached.set(what, (reached.get(what) ?? 0) + count);
  // Passing by never coming to the point would show here.
  for (const what of [
    'vote',
    'approved',
    'rejected',
    'changes_requested',
    'taken',
    'glass',
    'ended expired',
    'ended lapsed',
    'ended voided',
    'ended taken',
    'not taken right_lost',
    'not taken content_changed',
    'not taken already_taken',
    'not taken lapsed',
    'take in trouble',
    'refused already_decided',
    'refused already_voted',
    'refused expired',
    'refused not_eligible',
    'refused requester',
    'refused last_editor',
    'refused not_a_person',
    'refused guest',
    'refused stranger',
    'refused other_team',
    'refused content_changed',
    'refused policy_error',
    'refused unchecked',
  ])
    expect(reached.get(what) ?? 0, what).toBeGreaterThan(0);
}, 240_000);

type Approvals = Store['approvals'];

/** What the real store does, but for the methods given. */
function changed(real: Approvals, more: Partial<Approvals>): Approvals {
  return { ...real, ...more };
}

/** Each a mistake somebody could make around the parts, with the rule that has to notice it. */
const planted: readonly (readonly [rule: string, what: string, faults: Faults])[] = [
  [
    'A1',
    'a later decision is written over an earlier one',
    {
      store: (real, raw) =>
        changed(real, {
          decide: async (input) => {
            const result = await real.decide(input);
            if (result?.ok === false && result.refusal === 'already_decided')
              raw
                .prepare("update approvals set status = 'rejected', decided_by = ? where nonce = ?")
                .run(input.by.id, input.nonce);
            return result;
          },
        }),
    },
  ],
  [
    'A2',
    'everybody clicks under another name',
    {
      store: (real) =>
        changed(real, {
          decide: (input) =>
            real.decide({
              ...input,
              by: { ...input.by, id: input.by.id === 'UALICE' ? 'UBOB' : input.by.id },
            }),
        }),
    },
  ],
  [
    'A3',
    'who is in a group is read once and believed for ever',
    {
      directory: (real) => {
        let known: readonly string[] | null = null;
        return {
          ...real,
          members: async (group, team, fresh) => {
            const now = await real.members(group, team, fresh);
            known ??= now;
            return known;
          },
        };
      },
    },
  ],
  [
    'A4',
    'one yes is enough whatever was asked',
    {
      store: (real) =>
        changed(real, {
          open: (approval) => real.open({ ...approval, policy: { ...approval.policy, count: 1 } }),
        }),
    },
  ],
  [
    'A5',
    'the digest is that of what was shown, never looked at again',
    {
      digest: (real) => {
        const first = new Map<string, string>();
        return (id) => {
          const now = real(id);
          if (!first.has(id)) first.set(id, now);
          return first.get(id) ?? now;
        };
      },
    },
  ],
  [
    'A6',
    'the card shows a digest that is not the content’s',
    {
      store: (real) =>
        changed(real, {
          open: async (approval) => {
            const stored = await real.open(approval);
            return { ...stored, subject: { ...stored.subject, digest: hash('something nice') } };
          },
        }),
    },
  ],
  [
    'A7',
    'a timeout is written down as somebody’s',
    {
      store: (real, raw) =>
        changed(real, {
          expire: async (id, now) => {
            const done = await real.expire(id, now);
            raw
              .prepare("update approvals set decided_by = 'UBOB' where id = ? and status = 'expired'")
              .run(id);
            return done;
          },
        }),
    },
  ],
  [
    'A8',
    'a button carries the approval’s id',
    {
      store: (real) =>
        changed(real, {
          open: async (approval) => ({ ...(await real.open(approval)), nonce: approval.id }),
        }),
    },
  ],
  [
    'A9',
    'a refused click leaves a mark',
    {
      store: (real, raw) =>
        changed(real, {
          decide: async (input) => {
            const result = await real.decide(input);
            if (result?.ok === false)
              raw.prepare("update approvals set comment = 'tried' where nonce = ?").run(input.nonce);
            return result;
          },
        }),
    },
  ],
  [
    'A10',
    'a start makes new buttons and forgets the old ones',
    {
      store: (real, raw) => {
        raw.prepare("update approvals set nonce = nonce || 'x' where status = 'pending'").run();
        return real;
      },
    },
  ],
  [
    'A11',
    'an action may use a yes that another one used',
    {
      store: (real, raw) =>
        changed(real, {
          take: async (input) => {
            raw
              .prepare(
                "update approvals set status = 'approved', taken_by = null where id = ? and status = 'taken' and taken_by <> ?",
              )
              .run(input.id, input.key);
            return real.take(input);
          },
        }),
    },
  ],
  [
    'A12',
    'a row of the audit is changed behind its back',
    {
      store: (real, raw) =>
        changed(real, {
          expireDue: async (now) => {
            raw.exec('drop trigger if exists audit_stays');
            raw.exec("update audit set actor = 'somebody' where seq = (select max(seq) from audit)");
            return real.expireDue(now);
          },
        }),
    },
  ],
  [
    'A12',
    'the end of the audit is cut off',
    {
      store: (real, raw) =>
        changed(real, {
          expireDue: async (now) => {
            raw.exec('drop trigger if exists audit_keeps');
            raw.exec('delete from audit where seq > (select max(seq) - 3 from audit)');
            return real.expireDue(now);
          },
        }),
    },
  ],
  [
    'A13',
    'whoever cannot be looked up is taken to be in the group',
    {
      directory: (real) => ({
        ...real,
        members: (...args) =>
          real.members(...args).catch(() => ['UALICE', 'UBOB', 'UCAROL', 'UDAVE', 'UADMIN']),
      }),
    },
  ],
  [
    'A13',
    'content that cannot be read is taken to be unchanged',
    {
      digest: (real) => {
        const seen = new Map<string, string>();
        return (id) => {
          try {
            seen.set(id, real(id));
          } catch {
            // The fault: what was known last is good enough.
          }
          return seen.get(id) ?? '';
        };
      },
    },
  ],
  [
    'A14',
    'whoever asks is an admin',
    { access: { guests: [], strangers: [], rules: [], admin: ['UADMIN', 'UBOB'] } },
  ],
  [
    'A14',
    'the broken glass is forgotten',
    {
      store: (real, raw) =>
        changed(real, {
          breakGlass: async (input) => {
            const result = await real.breakGlass(input);
            if (result?.ok === true)
              raw.prepare('update approvals set break_glass = null where nonce = ?').run(input.nonce);
            return result;
          },
        }),
    },
  ],
];

test.each(planted)(
  '%s notices: %s',
  async (rule, _what, faults) => {
    const found = await firstBroken(faults);
    expect(found).toBe(rule);
  },
  120_000,
);

test('every rule has a mistake that it notices', () => {
  const rules = Array.from({ length: 14 }, (_, i) => `A${i + 1}`);
  expect([...new Set(planted.map(([rule]) => rule))].sort()).toEqual(rules.sort());
});

/** Plays until a rule breaks, on a few worlds; "nothing" when none did. */
async function firstBroken(faults: Faults): Promise<string> {
  for (let seed = 1; seed <= 4; seed += 1) {
    const w = openWorld(faults);
    const model = new Model(w);
    try {
      for (let part = 0; part < 8; part += 1) {
        for (const deed of fc.sample(deeds, { seed: seed * 100 + part, numRuns: 300 }))
          await model.play(deed);
        await model.play({ do: 'restart' });
      }
      await model.end();
    } catch (error) {
      if (error instanceof Broken) return error.rule;
      throw error;
    } finally {
      w.close();
    }
  }
  return 'nothing';
}

test('ten thousand changes of content between the showing and the doing, one byte included: none is done', async () => {
  const w = openWorld();
  const by = personOf('UBOB', 'T1', w.outside);
  const base = 'const answer = 42;\n'.repeat(20);
  let done = 0;
  let byOne = 0;
  try {
    for (let i = 0; i < 10_000; i += 1) {
      const wanted = newApproval(i, base, w.clock.now(), {});
      await w.approvals.open(wanted);
      const at = (i * 7) % base.length;
      const kinds = [
        base.slice(0, at) + String.fromCharCode(base.charCodeAt(at) ^ 1 || 33) + base.slice(at + 1),
        base.slice(0, at) + base.slice(at + 1),
        `${base.slice(0, at)}\u200b${base.slice(at)}`,
        `${base} `,
        '',
      ];
      const altered = kinds[i % kinds.length] ?? '';
      if (Math.abs(altered.length - base.length) <= 1) byOne += 1;
      const early = i % 2 === 0;
      w.outside.content.set(wanted.id, early ? altered : base);
      const said = await w.service.decide({ nonce: wanted.nonce, by, place: 'C1' }, 'approve', null);
      w.outside.content.set(wanted.id, altered);
      if (said?.ok === true) expect(early).toBe(false);
      const taken = await w.service.take(wanted.id, `run/${i}`, w.digest(wanted.id));
      if (taken.ok) done += 1;
    }
  } finally {
    w.close();
  }
  expect(done).toBe(0);
  expect(byOne).toBeGreaterThan(7_000);
}, 120_000);
