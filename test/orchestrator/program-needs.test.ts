import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { inventorySchema } from '../../src/domain/resources.ts';
import { runnersSchema } from '../../src/domain/runner-settings.ts';
import { found } from '../agents/runner-world.ts';
import { coreAt, followRun, openPlace, startRun, workflowOf } from '../support/core.ts';
import { castOf, sees, writes } from './crashes.ts';

if (found.kind === 'none') console.warn(`SKIPPED: programs as agents need a sandbox here. ${found.reason}`);

/** Two programs in streams of their own that find out they need what a model makes in a third. */
const PROGRAMS = fileURLToPath(new URL('../agents/programs', import.meta.url));
const program = (kind: 'acp' | 'command', agent: string, script: unknown) => ({
  kind,
  command: 'node',
  args: [`${PROGRAMS}/${kind}-agent.ts`, JSON.stringify(script)],
  reads: [PROGRAMS],
  agents: [agent],
});
const result = JSON.stringify({ summary: 'done', files: [], warnings: [] });
const need = JSON.stringify({ need: { task: 'api', why: 'It shows it.' } });
const runners = runnersSchema.parse({
  coder: program('acp', 'developer', [
    [{ act: 'say', text: need }],
    [
      { act: 'write', path: 'menu.txt', content: 'made\n' },
      { act: 'say', text: result },
    ],
  ]),
  script: program('command', 'frontend', [
    { act: 'need', task: 'api' },
    { act: 'read', path: 'api.txt' },
    { act: 'write', path: 'page.txt', content: '%heard%\n' },
    { act: 'print', text: result },
  ]),
});
const flow = {
  kind: 'parallel',
  id: 'build',
  streams: true,
  tasks: [
    { id: 'page', stream: 'front', agent: 'frontend', task: 't' },
    { id: 'sees-page', stream: 'front', flow: sees('page-there', 'api.txt', 'page.txt') },
    { id: 'menu', stream: 'side', agent: 'developer', task: 't' },
    { id: 'sees-menu', stream: 'side', flow: sees('menu-there', 'api.txt', 'menu.txt') },
    { id: 'api', stream: 'back', agent: 'backend', task: 't' },
  ],
};

test.runIf(found.kind !== 'none')(
  'programs wait for a task of another stream, and go on with its files in theirs',
  async () => {
    const place = await openPlace(castOf(writes('api', { 'api.txt': 'by the model\n' })));
    const resources = inventorySchema.parse({ desk: 1 });
    const core = await coreAt(place, { runners, resources, extraWorkflows: [workflowOf('needy', flow)] });
    try {
      core.engine.recover();
      const ended = await followRun(core, await startRun(core, 'needy', 'one'));
      expect(ended?.status).toBe('completed');
      const declared = ended?.of('dependency.declared').map(({ task, needs, why }) => [task, needs, why]);
      expect(declared?.toSorted()).toEqual([
        ['menu', 'api', 'It shows it.'],
        ['page', 'api', 'It shows it.'],
      ]);
      const checks = ended?.of('command.finished').map(({ node, exitCode }) => `${node} ${exitCode}`);
      expect(checks?.toSorted()).toEqual(['menu-there 0', 'page-there 0']);
      const page = execFileSync('git', ['show', `${ended?.branch}:page.txt`], {
        cwd: core.defaultRepository,
        encoding: 'utf8',
      });
      expect(page).toContain(
        'api: "api" is done: done. Its files are in your worktree now; read them again.',
      );
      expect(page).toContain('by the model');
    } finally {
      await core.stop();
      await place.close();
    }
  },
);
