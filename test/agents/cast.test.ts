import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAgentRunner } from '../../src/agents/agent-runner.ts';
import { createModelClient } from '../../src/agents/model/model-client.ts';
import { ModelPool } from '../../src/agents/model/model-pool.ts';
import { modelTurn } from '../../src/agents/model/model-turn.ts';
import { loadRoles, roleNamed } from '../../src/agents/registry.ts';
import { toolCall } from '../../src/agents/tool-call.ts';
import { loadCasts } from '../../src/cast/load.ts';
import { startCast } from '../../src/cast/server.ts';
import { createRedactor } from '../../src/policy/redact.ts';
import { summariseTests } from '../../src/workspace/test-summary.ts';
import { drive, newTrace } from './drive.ts';
import { folderWorkspace } from './folder-workspace.ts';
import { apis } from './model-server.ts';
import { realClock, taskFor } from './support.ts';

const at = (path: string): string => new URL(`../../${path}`, import.meta.url).pathname;

async function sampleFiles(): Promise<Record<string, string>> {
  const root = at('src/workspace/sample/reports');
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files: Record<string, string> = {};
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[path.slice(root.length + 1)] = await readFile(path, 'utf8');
  }
  return files;
}

describe.each(apis)('the shipped roles with the shipped cast over %s', (api) => {
  it('design, implement and judge: tests fail first, and the review says so', async () => {
    const cast = await startCast({
      casts: await loadCasts([at('catalog/casts/csv-export.yaml')]),
      delayMs: 0,
      port: 0,
    });
    const workspace = await folderWorkspace(await sampleFiles());
    const roles = loadRoles([at('catalog/agents')]);
    const redact = createRedactor(['a-secret-of-the-house']);
    const client = createModelClient({
      api,
      apiKey: null,
      baseUrl: cast.url,
      model: 'rehearsal',
      clock: realClock,
    });
    const activities = [
      modelTurn({
        models: new ModelPool({
          endpoints: [{ client, host: 'test', rests: false }],
          clock: realClock,
          health: null,
        }),
        redact,
        prices: { rehearsal: { input: 0, cached: 0, output: 0 } },
        guidance: { of: async () => [], notes: async () => [] },
      }),
      toolCall({
        workspaceOf: async () => workspace,
        redact,
        clock: realClock,
        allowUnsandboxed: async () => true,
        summariseTests,
      }),
    ];
    const runner = createAgentRunner();
    const trace = newTrace();
    const play = async (role: string, node: string, feedback: string[] = []) => {
      const task = taskFor(roleNamed(roles, role), {
        node,
        request: 'Add CSV export to the reports page',
        feedback,
      });
      const own = newTrace();
      const result = await drive(
        (flow) =>
          runner.run(task, flow, {
            *command() {
              yield* flow.emit();
              return null;
            },
            *tool() {
              yield* [];
              return null;
            },
            *ask() {
              yield* flow.emit();
              return 'yes';
            },
          }),
        activities,
        own,
      );
      trace.events.push(...own.events);
      trace.labels.push(...own.labels);
      return result;
    };
    try {
      const spec = await play('architect', 'design');
      expect(spec.summary).toMatch(/^Rehearsal/);
      const work = await play('backend', 'implement');
      expect(work.warnings.join()).not.toContain('no lines');
      expect(await readFile(join(workspace.folder, 'src/export/csv.js'), 'utf8')).toContain('toCsv');
      await play('qa', 'tests');
      const check = { argv: ['node', '--test'], timeoutMs: 20_000, signal: new AbortController().signal };
      const failing = await workspace.run({ ...check, allowUnsandboxed: true });
      expect(summariseTests(failing.output)?.failed).toBeGreaterThan(0);
      const review = await play('reviewer', 'judge');
      expect(review.approved).toBe(false);
      const repair = await play('backend', 'repair', review.findings);
      expect(repair.warnings.join()).not.toContain('no lines');
      expect((await play('reviewer', 'judge')).approved).toBe(true);
      const runs = trace.events.filter((event) => event.type === 'command.finished');
      expect(runs.at(-1)).toMatchObject({ exitCode: 0, failed: 0 });
      expect(trace.labels).toContain('writing src/export/csv.js');
    } finally {
      await workspace.remove();
      await cast.close();
    }
  });
});
