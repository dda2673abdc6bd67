import { expect, test } from 'vitest';
import { openAccess } from '../../src/domain/access.ts';
import type { Store } from '../../src/ports/store.ts';
import { firstBroken } from './first-broken.ts';
import { type Faults, hash } from './world.ts';

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
  ['A14', 'whoever asks is an admin', { access: { ...openAccess, admin: ['UADMIN', 'UBOB'] } }],
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
