import { execFileSync, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAgentRunner } from '../../src/agents/agent-runner.ts';
import { createModelClient } from '../../src/agents/model/model-client.ts';
import { modelTurn } from '../../src/agents/model/model-turn.ts';
import { toolCall } from '../../src/agents/tool-call.ts';
import { toFailure } from '../../src/domain/failure.ts';
import { createRedactor } from '../../src/policy/redact.ts';
import type { Guard } from '../../src/ports/runner.ts';
import { probeSandbox } from '../../src/workspace/sandbox/sandbox.ts';
import { summariseTests } from '../../src/workspace/test-summary.ts';
import { drive, newTrace } from '../agents/drive.ts';
import { type Api, apis, startModelServer, turnEvents } from '../agents/model-server.ts';
import { backend, poolOf, realClock, taskFor } from '../agents/support.ts';
import { AT, bench, git, NO_SANDBOX } from '../workspace/support.ts';
import { moreTasks } from './more-tasks.ts';
import { pythonTasks } from './python-tasks.ts';
import type { RepairTask } from './repair.ts';
import { solve } from './solver.ts';
import { firstTasks } from './tasks.ts';

/**
 * `npm run tasks`: small repositories with a failing test each, mended through the real loop, tools, sandbox and git by a
 * model served here. It shows that the tools do what a model needs; it says nothing about any model. `--write` writes
 * docs/tasks.md.
 */
const python = spawnSync('/usr/bin/python3', ['--version']).status === 0;
if (!python) console.log('SKIPPED: the repositories in Python, since there is no /usr/bin/python3');
const tasks = [...firstTasks, ...moreTasks, ...(python ? pythonTasks : [])];
const found = await probeSandbox();
const sandbox = found.kind === 'none' ? NO_SANDBOX : found;

const guard: Guard = {
  *command() {
    yield* [];
    return null;
  },
  *tool() {
    yield* [];
    return null;
  },
  *ask() {
    yield* [];
    return 'yes';
  },
};

interface Row {
  readonly task: RepairTask;
  readonly api: Api;
  readonly solved: boolean;
  readonly why: string;
  readonly calls: Readonly<Record<string, number>>;
  readonly turns: number;
}

async function attempt(task: RepairTask, api: Api): Promise<Row> {
  const server = await startModelServer((asked) => ({ events: turnEvents(api, solve(asked, tasks)) }));
  const place = await bench(
    task.test === undefined
      ? {
          'package.json': '{ "name": "small", "type": "module", "scripts": { "test": "node --test" } }\n',
          ...task.files,
        }
      : { '.gitignore': '__pycache__/\n', ...task.files },
    sandbox,
  );
  const calls: Record<string, number> = {};
  const trace = newTrace();
  try {
    const workspace = await place.open();
    const redact = createRedactor([]);
    const client = createModelClient({
      api,
      apiKey: 'k',
      baseUrl: server.url,
      model: 'solver',
      clock: realClock,
    });
    const tools = toolCall({
      workspaceOf: async () => workspace,
      redact,
      clock: realClock,
      allowUnsandboxed: async () => true,
      summariseTests,
    });
    const counted = {
      ...tools,
      perform: (input: unknown, context: Parameters<typeof tools.perform>[1]) => {
        const name = String(Object(input).tool);
        calls[name] = (calls[name] ?? 0) + 1;
        return tools.perform(input, context);
      },
    };
    const activities = [
      modelTurn({
        models: poolOf(client),
        redact,
        prices: {},
        guidance: { of: async () => [], notes: async () => [] },
      }),
      counted,
    ];
    const role = { ...backend, tools: [...backend.tools, 'patch' as const, 'diff' as const] };
    const result = await drive(
      (flow) =>
        createAgentRunner().run(
          taskFor(role, {
            request: `mend ${task.id}`,
            task: 'The tests fail. Mend the code.',
            limits: { turns: 30, tokens: 1e9, timeoutMs: 600_000 },
          }),
          flow,
          guard,
        ),
      activities,
      trace,
    );
    const { tree } = await workspace.snapshot('end', AT);
    await workspace.commit({ tree, message: `Mend ${task.id}`, at: AT });
    const why =
      result.warnings.join(' ') ||
      branchProblem(place.root, place.repository, workspace.info.branch, task.test);
    return { task, api, solved: why === '', why, calls, turns: server.asked.length };
  } catch (error) {
    return { task, api, solved: false, why: toFailure(error).message, calls, turns: server.asked.length };
  } finally {
    await server.close();
    await place[Symbol.asyncDispose]();
  }
}

/** Whether the branch, cloned afresh, fails no test, and the base it came from did. */
function branchProblem(root: string, repository: string, branch: string, test: RepairTask['test']): string {
  for (const [name, passes] of [
    [branch, true],
    ['main', false],
  ] as const) {
    const clone = join(root, passes ? 'clone' : 'before');
    git(root, 'clone', '-q', '--branch', name, repository, clone);
    if (testsPass(clone, test) !== passes)
      return `the tests ${passes ? 'fail' : 'pass'} on a clone of ${name}`;
  }
  return '';
}

function testsPass(folder: string, test: RepairTask['test']): boolean {
  const [program, ...args] = test ?? [process.execPath, '--test'];
  try {
    execFileSync(program ?? '', args, {
      cwd: folder,
      stdio: 'ignore',
      timeout: 60_000,
      env: { PATH: '/usr/bin:/bin' },
    });
    return true;
  } catch {
    return false;
  }
}

const rows: Row[] = [];
for (const [at, task] of tasks.entries()) {
  const row = await attempt(task, apis[at % apis.length] ?? 'chat');
  rows.push(row);
  console.log(
    `${row.solved ? 'solved ' : 'FAILED '} ${task.id} (${task.defect}, ${row.api}) ${row.turns} turns ${row.why}`,
  );
}
const solved = rows.filter((row) => row.solved).length;
console.log(`${solved} of ${rows.length} solved`);
if (process.argv.includes('--write'))
  await writeFile(fileURLToPath(new URL('../../docs/tasks.md', import.meta.url)), page(rows));
process.exitCode = solved === rows.length ? 0 : 1;

function page(all: readonly Row[]): string {
  const names = ['list', 'read', 'edit', 'patch', 'write', 'run', 'diff'];
  const sum = (name: string) => all.reduce((count, { calls }) => count + (calls[name] ?? 0), 0);
  const lines = all.map(
    ({ task, api, solved: good, turns, calls }) =>
      `| ${task.id} | ${task.defect} | ${api} | ${good ? 'yes' : 'no'} | ${turns} | ${names.map((name) => calls[name] ?? '').join(' | ')} |`,
  );
  return `# Small repairs

Written by \`npm run tasks -- --write\`. Each line is a small repository with a failing test, mended through Baton's own loop,
tools, sandbox and git. The model is a script served on this machine that knows each repair and reads the results of its
calls. So this shows that the tools, the tests and the branch do what a model needs; it says nothing about any model.
Solved means: the tests failed in the worktree first and passed after, and a fresh clone of the branch passes where a clone of
its base fails. Those whose names begin with \`py-\` are in Python, with unittest; without python3 they are skipped, and that is said.

| Repository | Defect | Interface | Solved | Turns | ${names.join(' | ')} |
| --- | --- | --- | --- | --- |${names.map(() => ' --- |').join('')}
${lines.join('\n')}
| **${all.length}** | | | **${all.filter(({ solved: good }) => good).length}** | **${all.reduce((count, { turns }) => count + turns, 0)}** | ${names.map((name) => `**${sum(name)}**`).join(' | ')} |
`;
}
