import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { approvalCard, branchIn, goodEnd, planCard, REQUEST, thread } from './support/job.ts';
import { World } from './support/processes.ts';
import { until } from './support/wait.ts';

const [OLD, NEW] = ['xoxb-one-that-is-taken-back', 'xoxb-the-one-after-it'];

describe('a token that Slack takes back while Baton runs', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(async () => {
    await world.clear();
  });

  it('what waits is kept and runs pause; with a new one all of it goes out, once and in order', async () => {
    const home = world.folder('home');
    const cast = await world.cast('model');
    const before = await world.desk('slack', { DESK_BOT_TOKEN: OLD });
    const port = new URL(before.file.url).port;
    const environment = (token: string) => ({
      SLACK_BOT_TOKEN: token,
      SLACK_APP_TOKEN: before.file.appToken,
      SLACK_API_URL: before.file.apiUrl,
      OPENAI_BASE_URL: cast.url,
      OPENAI_API_KEY: 'sk-e2e',
      OPENAI_MODEL: 'a-model',
    });
    const first = await world.baton(home, environment(OLD));
    const desk = new Desk(before.file.url);
    expect((await desk.orchestrate('alice', REQUEST)).ok).toBe(true);
    const epic = await planCard(desk);

    // The same workspace, which from now on knows only another token.
    await before.started.end('SIGTERM');
    await world.desk('slack', { DESK_BOT_TOKEN: NEW, DESK_PORT: port });
    const seen = (await desk.snapshot('alice')).messages.length;
    await until('The click is taken', async () =>
      (await desk.click('alice', epic, 'plan_start')).ok ? true : null,
    );
    const log = path.join(home, 'logs', 'baton.log');
    const lines = (words: string): number =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.includes(words)).length;
    await until(
      'The runs of the workspace wait',
      () => lines('can say nothing in this workspace') === 1 || null,
    );
    const doctor = world.run({
      args: ['bin/baton.mjs', 'doctor'],
      env: { BATON_HOME: home, ...environment(OLD) },
    });
    expect(await doctor.ended).toBe(1);
    expect(doctor.output()).toMatch(/❌ slack.*Slack refuses the token of T\w+ \(invalid_auth/);
    expect(doctor.output()).not.toContain(OLD);
    // What people say meanwhile is kept, too.
    expect((await desk.orchestrate('bob', 'list')).ok).toBe(true);
    expect(lines('Slack refuses the token of this workspace')).toBe(1);
    expect((await desk.snapshot('alice')).messages).toHaveLength(seen);
    expect(await first.end('SIGTERM')).toBe(0);

    await world.baton(home, environment(NEW));
    await desk.click('alice', await approvalCard(desk), 'approval_approve');
    const end = await goodEnd(desk, epic);
    expect(branchIn(end.text)).not.toBe('');
    const said = await thread(desk, epic);
    expect(new Set(said).size).toBe(said.length);
    expect(said.join('\n')).toMatch(/❌ node --test fails[\s\S]*✅ node --test passes[\s\S]*The work is on/);
    await desk.message('bob', 'What was asked for meanwhile', ({ ephemeralFor }) => ephemeralFor !== null);
    expect((await desk.stats()).doubledPosts).toBe(0);
    const again = world.run({
      args: ['bin/baton.mjs', 'doctor'],
      env: { BATON_HOME: home, ...environment(NEW) },
    });
    await again.ended;
    expect(again.output()).not.toContain('refuses the token');
  });
});
