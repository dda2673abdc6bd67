import { expect, test } from 'vitest';
import type { Approval, Voter } from '../../src/domain/approval.ts';
import type { Delegation } from '../../src/domain/delegation.ts';
import type { Store } from '../../src/ports/store.ts';
import { firstBroken } from './first-broken.ts';
import type { Faults } from './world.ts';

type Approvals = Store['approvals'];
const store = (change: (real: Approvals, raw: Raw) => Partial<Approvals>): Faults => ({
  store: (real, raw) => ({ ...real, ...change(real, raw) }),
});
type Raw = Parameters<NonNullable<Faults['store']>>[1];
const decisions = (change: (real: Store['decisions']) => Partial<Store['decisions']>): Faults => ({
  decisions: (real) => ({ ...real, ...change(real) }),
});
/** A rollback's yes is bound to all but this. */
const unbound = (field: string): Faults => ({
  bound: (payload) => {
    const { [field]: _, ...rest } = Object(JSON.parse(payload));
    return JSON.stringify(rest);
  },
});

/** Mistakes about people who are asked again, who are away, about runs taken back, and about budgets. */
const planted: readonly (readonly [rule: string, what: string, faults: Faults])[] = [
  [
    'A7',
    'people are asked, and nobody was reminded before',
    store((real) => ({
      deedsOf: async (id) => [{ deed: { kind: 'remind' }, at: 0 }, ...(await real.deedsOf(id))],
    })),
  ],
  [
    'A7',
    'what was put off comes all at once',
    store((real) => ({
      deedsOf: async (id) => (await real.deedsOf(id)).map(({ deed }) => ({ deed, at: 0 })),
    })),
  ],
  [
    'A7',
    'a deed is told a second time',
    store((real, raw) => ({
      nudged: async (id, ...rest) => {
        await real.nudged(id, ...rest);
        raw
          .prepare(
            `insert or ignore into events select run_id, -seq, at, type, data from events
              where rowid = (select max(rowid) from events)`,
          )
          .run();
      },
    })),
  ],
  ['A7', 'nobody is ever taken to be away', { delegations: (real) => ({ ...real, ofTeam: async () => [] }) }],
  [
    'A7',
    'a deputy who was asked and said nothing is said to have rejected it',
    store((real, raw) => ({
      expire: async (id, now) => {
        const done = await real.expire(id, now);
        const asked = (await real.deedsOf(id)).flatMap(({ deed }) =>
          deed.kind === 'direct' ? [deed.to] : [],
        );
        if (asked.length > 0)
          raw
            .prepare(
              "update approvals set status = 'rejected', decided_by = ? where id = ? and status = 'expired'",
            )
            .run(asked.at(-1), id);
        return done;
      },
    })),
  ],
  [
    'A3',
    'a place once lent is lent for ever',
    {
      delegations: (real) => {
        const ever = new Map<string, Delegation>();
        return {
          ...real,
          ofTeam: async (team, now) => {
            for (const each of await real.ofTeam(team, now))
              ever.set(each.id, { ...each, until: Number.MAX_SAFE_INTEGER });
            return [...ever.values()];
          },
        };
      },
    },
  ],
  [
    'A3',
    'who stood in when they said yes is taken to stand in when it is carried out',
    store((real) => {
      const then = new Map<string, Voter>();
      return {
        decide: async (input) => {
          const result = await real.decide(input);
          if (result?.ok === true) then.set(`${result.approval.id} ${input.by.id}`, input.by);
          return result;
        },
        take: (input) =>
          real.take({
            ...input,
            voters: input.voters.map((voter) => ({
              ...voter,
              standsFor: then.get(`${input.id} ${voter.id}`)?.standsFor ?? [],
            })),
          }),
      };
    }),
  ],
  [
    'A2',
    'whoever asked for the work speaks in the name of whom they stand in for',
    store((real) => ({
      decide: async (input) => {
        const [away] = input.by.standsFor ?? [];
        const fourEyes = (await real.byNonce(input.nonce))?.policy.fourEyes === true;
        return real.decide(
          fourEyes && input.by.id === 'UALICE' && away !== undefined
            ? { ...input, by: { ...away, standsFor: [] } }
            : input,
        );
      },
    })),
  ],
  [
    'A4',
    'who stands in for somebody has a seat beside theirs',
    store((real) => ({
      decide: (input) => {
        const lent = (input.by.standsFor ?? []).filter(
          ({ id, isGuest }) => !isGuest && !['UALICE', 'UERIN'].includes(id),
        );
        const groups = [...input.by.groups, ...lent.flatMap((away) => away.groups)];
        return real.decide({ ...input, by: { ...input.by, groups } });
      },
    })),
  ],
  [
    'A13',
    'whoever cannot be looked up is taken to be somebody',
    {
      directory: (real) => ({
        ...real,
        person: (id, team, fresh) =>
          real
            .person(id, team, fresh)
            .catch(() => ({ id, team, isBot: false, isGuest: false, isStranger: false })),
      }),
    },
  ],
  ['A5', 'a rollback is not bound to the files', unbound('head')],
  ['A5', 'a rollback is not bound to the branch', unbound('tip')],
  ['A5', 'a rollback is not bound to how far the run has come', unbound('position')],
  ['A5', 'a rollback is not bound to whether the run is paused or over', unbound('status')],
  ['A5', 'a rollback is not bound to what the run is made of', unbound('definition')],
  ['A5', 'a rollback is not bound to the policy', unbound('policy')],
  [
    'A11',
    'what follows from an answer about a budget comes to pass each time anew',
    decisions((real) => {
      let n = 0;
      return {
        record: (run, decision, ...rest) => {
          n += 1;
          return real.record(run, { ...decision, id: `${decision.id}_${n}` }, ...rest);
        },
      };
    }),
  ],
  [
    'A7',
    'a budget about which nobody answered is raised',
    store((real) => ({
      byId: async (id) => {
        const found = await real.byId(id);
        const raised: Pick<Approval, 'status' | 'decidedBy'> = { status: 'taken', decidedBy: 'UBOB' };
        return found?.status === 'expired' ? { ...found, ...raised } : found;
      },
    })),
  ],
  [
    'A12',
    'nobody is said to have raised a budget',
    decisions((real) => ({
      record: (run, decision, ...rest) =>
        real.record(run, { ...decision, actor: 'baton', actorKind: 'baton' }, ...rest),
    })),
  ],
];

test.each(planted)(
  '%s notices: %s',
  async (rule, _what, faults) => {
    expect(await firstBroken(faults)).toBe(rule);
  },
  120_000,
);
