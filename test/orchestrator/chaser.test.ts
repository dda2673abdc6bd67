import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyOf } from '../../src/domain/escalation.ts';
import { Chaser } from '../../src/orchestrator/chaser.ts';
import type { Directory } from '../../src/ports/directory.ts';
import { GROUP, newApproval, openWorld, START, TEAM, type World } from '../approvals/world.ts';

const MIN = 60_000;
const POLICY = {
  people: ['UBOB'],
  escalateTo: ['UCAROL', 'UDAVE'],
  deputies: ['UCAROL', 'UDAVE'],
  remindAfterMs: 10 * MIN,
  escalateAfterMs: 20 * MIN,
  expireAfterMs: 24 * 60 * MIN,
  escalation: {
    urgency: 'normal',
    channel: 'C0HELP',
    onCall: 'S0ONCALL',
    quiet: { from: '20:00', to: '07:00', days: [] },
  },
} as const;

/** Real store, real rules, and people of whom the test says where they live. */
function chaserIn(w: World, zones: Record<string, string> = {}, broken = false): Chaser {
  const directory: Directory = {
    ...w.directory,
    zone: async (user) => {
      if (broken) throw new Error('Slack does not answer');
      return zones[user] ?? null;
    },
  };
  return new Chaser({ store: w.store, approvals: w.service, directory });
}

async function ask(w: World, n: number, policy: object = POLICY): Promise<string> {
  const approval = newApproval(n, 'content', START, { ...policy });
  await w.approvals.open(approval);
  w.outside.content.set(approval.id, 'content');
  return approval.id;
}

/** Looks when it was said to, until nothing more comes; each look twice, as after a crash in between. */
async function playOut(w: World, id: string, chaser = chaserIn(w)): Promise<string[]> {
  let next: number | null = START;
  for (let looks = 0; next !== null && looks < 40; looks += 1) {
    w.clock.advance(Math.max(0, next - w.clock.now()));
    await chaser.chase(id, w.clock.now());
    w.restart();
    chaser = chaserIn(w);
    next = await chaser.chase(id, w.clock.now());
  }
  return told(w, id);
}

async function told(w: World, id: string): Promise<string[]> {
  return (await w.approvals.deedsOf(id)).map(({ deed, at }) => `${keyOf(deed)} ${(at - START) / MIN}`);
}

let w: World;
beforeEach(() => {
  w = openWorld();
});
afterEach(() => w.close());

describe('a question that nobody answers', () => {
  test('goes from its thread to those on call, each once, though every look is done twice around a restart', async () => {
    expect(await playOut(w, await ask(w, 1))).toEqual([
      'remind 10',
      'channel:C0HELP 20',
      'direct:UBOB 30',
      'direct:UCAROL 40',
      'direct:UDAVE 50',
      'on_call:S0ONCALL 60',
    ]);
    expect(w.restarts).toBeGreaterThan(5);
  });

  test('a decision ends it: nobody is asked about what is decided', async () => {
    const id = await ask(w, 1);
    const chaser = chaserIn(w);
    w.clock.advance(30 * MIN);
    await chaser.chase(id, w.clock.now());
    const nonce = (await w.approvals.byId(id))?.nonce ?? '';
    const by = { id: 'UCAROL', team: TEAM, isBot: false, isGuest: false, isStranger: false };
    // A deputy decides, though the policy's own people do not include them.
    expect(await w.service.decide({ nonce, by, place: 'D1' }, 'approve', null)).toMatchObject({ ok: true });
    expect(await chaser.chase(id, w.clock.now() + 60 * MIN)).toBeNull();
    expect((await told(w, id)).length).toBe(1);
  });

  test('members of a group are asked, except whoever asked for the work under four eyes, and whoever voted', async () => {
    w.outside.group.add('UALICE');
    const id = await ask(w, 1, { ...POLICY, people: [], groups: [GROUP], fourEyes: true, count: 2 });
    const nonce = (await w.approvals.byId(id))?.nonce ?? '';
    const by = { id: 'UBOB', team: TEAM, isBot: false, isGuest: false, isStranger: false };
    await w.service.decide({ nonce, by, place: 'D1' }, 'approve', null);
    const done = await playOut(w, id);
    expect(done.filter((each) => each.startsWith('direct'))).toEqual(['direct:UCAROL 30', 'direct:UDAVE 40']);
  });

  test('a reminder calls by name only those whose clock says day; a broken directory silences nobody', async () => {
    const id = await ask(w, 1);
    // 08:10 in London when it is due, 17:10 in Tokyo, 03:10 in New York.
    await chaserIn(w, { UBOB: 'America/New_York' }).chase(id, START + 10 * MIN);
    const other = await ask(w, 8);
    await chaserIn(w, { UBOB: 'Asia/Tokyo' }).chase(other, START + 10 * MIN);
    const third = await ask(w, 15);
    await chaserIn(w, {}, true).chase(third, START + 10 * MIN);
    const events = await w.store.projections.events('run_1', 0, 100);
    expect(
      events.flatMap(({ event }) => (event.type === 'approval.reminded' ? [event.calling] : [])),
    ).toEqual([[], ['UBOB'], ['UBOB']]);
  });

  test('whoever is away is stood in for while they are, and only then', async () => {
    const stand = { team: TEAM, from: 'UBOB', to: 'UERIN2', since: START, until: START + 35 * MIN };
    await w.store.delegations.make({ id: 'd1', ...stand }, START);
    const done = await playOut(w, await ask(w, 1));
    expect(done.slice(2, 5)).toEqual(['direct:UERIN2 30', 'direct:UBOB:1 35', 'direct:UCAROL 40']);
    expect(done.join()).not.toMatch(/direct:UBOB( |$)/);
    w.clock.advance(START - w.clock.now() + 40 * MIN);
    const later = await ask(w, 8);
    await chaserIn(w).chase(later, w.clock.now());
    await chaserIn(w).chase(later, w.clock.now() + 10 * MIN);
    await chaserIn(w).chase(later, w.clock.now() + 20 * MIN);
    expect((await told(w, later)).join()).toContain('direct:UBOB');
  });
});

test('the record itself holds: the same deed is one event, however often it is asked for', async () => {
  const id = await ask(w, 1);
  for (let i = 0; i < 3; i += 1) await w.approvals.nudged(id, { kind: 'remind' }, START + i);
  expect(await told(w, id)).toEqual(['remind 0']);
});
