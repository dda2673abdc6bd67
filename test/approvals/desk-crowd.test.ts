import { expect, test } from 'vitest';
import { startWorld, until } from '../handlers/world.ts';

const CROWD = 50;

test(`two rounds of ${CROWD} people at the desk: one decision, ${CROWD} answers each`, async () => {
  const w = await startWorld({ members: CROWD });
  try {
    const members = (await w.desk.snapshot()).people.filter(({ name }) => name.startsWith('member'));
    expect(members).toHaveLength(CROWD);
    for (const title of ['first round', 'second round']) {
      await w.command('alice', `ask ${title}`);
      const epic = await w.find('alice', new RegExp(`${title}.*Plan:`, 's'));
      await w.click('alice', epic, 'plan_start');
      const card = await w.find('alice', new RegExp(`Keep it\\?.*${title}`, 's'), epic.ts);
      // All of them click while the card still stands, and only then does any of it go to Baton.
      const deliver = w.post.hold();
      const before = w.post.kept.length;
      const clicks = members.map(({ id }) => w.clickAs(id, card, 'approval_approve'));
      await until(async () => w.post.kept.length >= before + CROWD);
      deliver();
      expect((await Promise.all(clicks)).filter(({ ok }) => !ok)).toEqual([]);
      const team = (await w.desk.snapshot()).team.id;
      const session = (await w.core.store.sessions.recent(team, 5)).find(({ request }) => request === title);
      const runId = session?.currentRunId ?? '';
      await until(async () => (await w.core.store.runs.status(runId))?.status === 'completed');
      // The desk delivers the clicks one after the other; the last come after the run has ended.
      const kinds = async () => (await w.core.store.audit.ofRun(runId)).map(({ kind }) => kind);
      const refused = async () => (await kinds()).filter((kind) => kind === 'approval.refused').length;
      await until(async () => (await refused()) >= CROWD - 1);
      await w.settled();
      expect(await refused()).toBe(CROWD - 1);
      expect((await kinds()).filter((kind) => kind === 'approval.approved')).toHaveLength(1);
      const [decided, ...others] = await w.core.store.approvals.ofRun(runId);
      expect(others).toEqual([]);
      expect(decided?.votes).toHaveLength(1);
      let noted = 0;
      for (const { id, name } of members) {
        const answer = await w.find(name, /Noted: approved|Already approved by/, card.ts);
        expect(answer.ephemeralFor).toBe(id);
        if (answer.text.includes('Noted: approved')) noted += 1;
      }
      expect(noted).toBe(1);
    }
    const { doubledPosts, unacked } = await w.desk.stats();
    expect([doubledPosts, unacked]).toEqual([0, 0]);
  } finally {
    await w.close();
  }
}, 120_000);
