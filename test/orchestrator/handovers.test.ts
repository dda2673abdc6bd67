import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ApprovalPolicy } from '../../src/domain/approval.ts';
import { keyOf } from '../../src/domain/escalation.ts';
import { Chaser } from '../../src/orchestrator/chaser.ts';
import { Handovers } from '../../src/orchestrator/handovers.ts';
import { newApproval, openWorld, START, TEAM, type World } from '../approvals/world.ts';

const MIN = 60_000;
const POLICY: Partial<ApprovalPolicy> = {
  people: ['UBOB'],
  remindAfterMs: 10 * MIN,
  escalateAfterMs: 20 * MIN,
  expireAfterMs: 24 * 60 * MIN,
};

let w: World;
let handovers: Handovers;
let chaser: Chaser;
/** When the run looks again, as it worked out at its last look. */
let next: number | null;
const troubles: unknown[] = [];
beforeEach(() => {
  w = openWorld();
  next = START;
  handovers = begin();
});
afterEach(() => {
  w.close();
  expect(troubles.splice(0)).toEqual([]);
});

/** The part of a process that looks who is away now, over the real store and rules. */
function begin(zones: Record<string, string> = {}): Handovers {
  const directory = { ...w.directory, zone: async (user: string) => zones[user] ?? null };
  chaser = new Chaser({ store: w.store, approvals: w.service, directory });
  return new Handovers({
    approvals: w.approvals,
    delegations: w.store.delegations,
    chaser,
    clock: w.clock,
    onAsked: () => undefined,
    onTrouble: (error) => void troubles.push(error),
  });
}

async function ask(policy: Partial<ApprovalPolicy> = {}): Promise<string> {
  const approval = newApproval(1, 'content', START, { ...POLICY, ...policy });
  await w.approvals.open(approval);
  w.outside.content.set(approval.id, 'content');
  return approval.id;
}
/** The run's own looks, as it would wake for them up to a moment; in between those of the process. */
async function until(id: string, minute: number): Promise<void> {
  while (w.clock.now() < START + minute * MIN) {
    const end = START + minute * MIN;
    w.clock.advance(Math.min(next ?? end, end, w.clock.now() + MIN / 2) - w.clock.now());
    await handovers.look();
    if (next !== null && next <= w.clock.now()) next = await chaser.chase(id, w.clock.now());
  }
}
const told = async (id: string): Promise<string[]> =>
  (await w.approvals.deedsOf(id)).flatMap(({ deed, at }) =>
    deed.kind === 'direct' ? [`${keyOf(deed)} ${deed.inPlaceOf ?? ''} ${(at - START) / MIN}`] : [],
  );
const away = (from: string, to: string, forMs: number) =>
  w.absences.delegate(
    { id: from, team: TEAM, isBot: false, isGuest: false, isStranger: false },
    to,
    w.clock.now() + forMs,
    `${from} ${w.clock.now()}`,
  );
const decide = async (id: string, by: string) =>
  w.service.decide(
    {
      nonce: (await w.approvals.byId(id))?.nonce ?? '',
      by: { id: by, team: TEAM, isBot: false, isGuest: false, isStranger: false },
      place: 'D1',
    },
    'approve',
    null,
  );

describe('a question that somebody was asked already', () => {
  test('goes on to whoever stands in for them later, comes back when that is over, each once', async () => {
    const id = await ask();
    await until(id, 60);
    expect(await told(id)).toEqual(['direct:UBOB  20']);
    await away('UBOB', 'UDAVE', 30 * MIN);
    await until(id, 80);
    expect(await told(id)).toEqual(['direct:UBOB  20', 'direct:UDAVE:1 UBOB 60.5']);
    await until(id, 120);
    expect((await told(id)).slice(2)).toEqual(['direct:UBOB:2  90']);
    // And once more, by hand this time.
    await away('UBOB', 'UCAROL', 300 * MIN);
    await until(id, 130);
    await w.absences.back(TEAM, 'UBOB');
    await until(id, 140);
    expect((await told(id)).slice(3)).toEqual(['direct:UCAROL:3 UBOB 120.5', 'direct:UBOB:4  130.5']);
    expect(await decide(id, 'UCAROL')).toMatchObject({ ok: false, refusal: 'not_eligible' });
    expect(await decide(id, 'UBOB')).toMatchObject({ ok: true });
  });

  test('the one it went to decides, and nobody is asked any more', async () => {
    const id = await ask();
    await until(id, 30);
    await away('UBOB', 'UDAVE', 30 * MIN);
    await until(id, 31);
    expect(await decide(id, 'UDAVE')).toMatchObject({ ok: true });
    await until(id, 100);
    expect((await told(id)).at(-1)).toBe('direct:UDAVE:1 UBOB 30.5');
  });

  test('one of two voices that was given for them is not asked for again when they are back', async () => {
    const id = await ask({ people: ['UBOB', 'UCAROL'], count: 2 });
    await until(id, 30);
    await away('UBOB', 'UDAVE', 30 * MIN);
    await until(id, 31);
    await decide(id, 'UDAVE');
    await until(id, 100);
    expect((await told(id)).filter((each) => !each.includes('UCAROL'))).toEqual([
      'direct:UBOB  20',
      'direct:UDAVE:2 UBOB 30.5',
    ]);
  });

  test('stays with them where whoever stands in may not decide: under four eyes the one who asked for it', async () => {
    const id = await ask({ fourEyes: true });
    await until(id, 30);
    await away('UBOB', 'UALICE', 300 * MIN);
    await until(id, 60);
    expect(await told(id)).toEqual(['direct:UBOB  20']);
    expect(await decide(id, 'UALICE')).toMatchObject({ ok: false, refusal: 'requester' });
  });

  test('waits for the morning of whoever it goes to', async () => {
    // 08:30 in London when it is said, 17:30 in Tokyo, 00:30 in Los Angeles.
    handovers = begin({ UDAVE: 'America/Los_Angeles', UBOB: 'Europe/London' });
    const quiet = { from: '20:00', to: '07:00', days: [] };
    const id = await ask({ escalation: { urgency: 'normal', channel: null, onCall: null, quiet } });
    await until(id, 30);
    await away('UBOB', 'UDAVE', 20 * 60 * MIN);
    await until(id, 31);
    expect(await told(id)).toEqual(['direct:UBOB  20']);
    // Its run looks again at that moment; so does this process, after the next restart at the latest.
    w.clock.advance(7 * 60 * MIN);
    await begin({ UDAVE: 'America/Los_Angeles', UBOB: 'Europe/London' }).look();
    expect((await told(id)).at(-1)).toMatch(/^direct:UDAVE:1 UBOB/);
  });

  test('what was said while no process ran is seen by the next one, once', async () => {
    const id = await ask();
    await until(id, 30);
    await away('UBOB', 'UDAVE', 30 * MIN);
    w.restart();
    handovers = begin();
    await handovers.look();
    await begin().look();
    expect(await told(id)).toEqual(['direct:UBOB  20', 'direct:UDAVE:1 UBOB 30']);
  });
});
