import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAgentRunner } from '../../src/agents/agent-runner.ts';
import { createModelClient } from '../../src/agents/model/model-client.ts';
import { modelTurn } from '../../src/agents/model/model-turn.ts';
import { acpActivities } from '../../src/agents/programs/acp-activity.ts';
import { programActivity } from '../../src/agents/programs/command-runner.ts';
import { createModelBroker } from '../../src/agents/programs/model-broker.ts';
import type { ProgramMoney } from '../../src/agents/programs/spending.ts';
import { runnerFor } from '../../src/agents/runners.ts';
import { toolCall } from '../../src/agents/tool-call.ts';
import { parseCast } from '../../src/cast/load.ts';
import { startCast } from '../../src/cast/server.ts';
import type { AgentResult, AgentTask } from '../../src/domain/agent.ts';
import type { KeptNote } from '../../src/domain/agent-note.ts';
import type { RunnerSettings } from '../../src/domain/runner-settings.ts';
import { createRedactor } from '../../src/policy/redact.ts';
import type { Activity } from '../../src/ports/activity.ts';
import type { Guard } from '../../src/ports/runner.ts';
import type { Workspace } from '../../src/ports/workspace.ts';
import { NO_CGROUPS } from '../../src/workspace/sandbox/cgroups.ts';
import { probeSandbox, type Sandbox } from '../../src/workspace/sandbox/sandbox.ts';
import { summariseTests } from '../../src/workspace/test-summary.ts';
import { type Bench, bench, NO_SANDBOX } from '../workspace/support.ts';
import { drive, newTrace, type Trace } from './drive.ts';
import { type Api, startModelServer, type Turn, turnEvents } from './model-server.ts';
import { backend, poolOf, realClock, taskFor } from './support.ts';
import { turnsIn } from './world.ts';

const PROGRAMS = dirname(fileURLToPath(new URL('./programs/acp-agent.ts', import.meta.url)));
export const SECRET = 'correct-horse-battery-0451';
export const found = await probeSandbox();
/** The same tests hold without a sandbox, but for what only a sandbox can keep. */
export const sandbox: Sandbox = found.kind === 'bubblewrap' ? found : NO_SANDBOX;

/** Nothing is held, and nothing has a price. */
const FREE: ProgramMoney = {
  prices: {},
  worst: { input: 0, output: 0, call: 1, tool: 0 },
  pass: async () => undefined,
  watch: () => () => undefined,
  computeSecondUsd: 0,
};

export interface RunnerWorld {
  readonly place: Bench;
  readonly workspace: Workspace;
  readonly asked: string[][];
  readonly run: (changes?: Partial<AgentTask>, trace?: Trace, crashAt?: number) => Promise<AgentResult>;
  /** As a restart of Baton does: nothing in memory is left. */
  readonly forget: () => Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A model server that plays the turns, or the rehearsal's own with a cast written from them. */
async function serverOf(
  api: Api | 'rehearsal',
  turns: readonly Turn[],
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  if (api !== 'rehearsal')
    return startModelServer((request) => {
      const turn = turns[Math.min(turnsIn(request), turns.length - 1)];
      if (turn === undefined) throw new Error('the script is empty');
      return { events: turnEvents(api, turn) };
    });
  const lines = turns.map(({ text, calls }, turn) => {
    // The last words are repeated.
    const when = turn === turns.length - 1 ? {} : { when: { turn } };
    if (calls !== undefined)
      return { ...when, calls: calls.map(({ name, args }) => ({ tool: name, arguments: args })) };
    return text?.startsWith('{') === true ? { ...when, result: JSON.parse(text) } : { ...when, say: text };
  });
  const cast = parseCast(JSON.stringify({ name: 'test', roles: { any: lines } }), 'test');
  return startCast({ casts: [cast], delayMs: 0, port: 0 });
}

/** A real worktree, the real sandbox, and an agent that is played by a model server's script or by a program. */
export async function runnerWorld(
  player:
    | { readonly kind: 'model'; readonly api: Api | 'rehearsal'; readonly turns: readonly Turn[] }
    | {
        readonly kind: 'program';
        readonly settings: RunnerSettings;
        /** Where the model server is, and its key. */
        readonly model: string;
        readonly key?: string;
      }
    | {
        readonly kind: 'acp' | 'command';
        readonly script: unknown;
        readonly command?: string;
        /** Where the model server is, for a program that may speak to it. */
        readonly model?: string;
      },
  /** Asked of every command; false: no. */
  permit: (argv: readonly string[]) => boolean = () => true,
  /** What else is asked of the run, and what its programs may use. */
  {
    money = {},
    memory,
    ...more
  }: Pick<Guard, 'need'> & {
    readonly money?: Partial<ProgramMoney>;
    /** Megabytes a program may take, held by the watcher: exactly as much on every machine. */
    readonly memory?: number;
  } = {},
  /** What other agents told so far; it may grow. */
  notes: readonly KeptNote[] = [],
): Promise<RunnerWorld> {
  const place = await bench(
    {
      'src/a.js': 'one\ntwo\nthree\n',
      '.env': `TOKEN_X=${SECRET}\n`,
      'check.js': "console.log('checked')\n",
    },
    memory === undefined ? sandbox : { ...sandbox, cgroups: NO_CGROUPS, prlimit: false },
    memory === undefined ? {} : { programMemoryBytes: memory * 1024 ** 2 },
  );
  const workspace = await place.open();
  const asked: string[][] = [];
  const guard: Guard = {
    *command(argv) {
      yield* [];
      asked.push([...argv]);
      return permit(argv) ? null : 'Not run: bob said no.';
    },
    *tool() {
      yield* [];
      return null;
    },
    *ask() {
      yield* [];
      return 'The answer is yes.';
    },
    ...more,
  };
  const server = player.kind === 'model' ? await serverOf(player.api, player.turns) : null;
  const runners: Record<string, RunnerSettings> =
    player.kind === 'model'
      ? {}
      : player.kind === 'program'
        ? { them: player.settings }
        : {
            them: {
              kind: player.kind,
              command: player.command ?? 'node',
              args: [`${PROGRAMS}/${player.kind}-agent.ts`, JSON.stringify(player.script)],
              env: { OWN: 'yes' },
              reads: [PROGRAMS],
              model: player.model !== undefined,
              agents: [],
            },
          };
  const redact = createRedactor([SECRET]);
  const shared = {
    workspaceOf: async () => workspace,
    allowUnsandboxed: async () => true,
    redact,
    clock: realClock,
    guidance: { of: async () => [], notes: async () => notes },
    money: { ...FREE, ...money },
  };
  const broker = createModelBroker({
    baseUrl: (player.kind === 'model' ? undefined : player.model) ?? 'http://127.0.0.1:1/v1',
    apiKey: player.kind === 'program' ? (player.key ?? SECRET) : SECRET,
  });
  const build = (): Activity[] => [
    ...(player.kind === 'model' && server !== null
      ? [
          modelTurn({
            models: poolOf(
              createModelClient({
                api: player.api === 'rehearsal' ? 'responses' : player.api,
                apiKey: 'k',
                baseUrl: server.url,
                model: 'rehearsal',
                clock: realClock,
              }),
            ),
            redact,
            prices: { rehearsal: { input: 0, cached: 0, output: 0 } },
            guidance: shared.guidance,
          }),
        ]
      : []),
    toolCall({ ...shared, summariseTests }),
    ...acpActivities({ ...shared, runners, broker }),
    programActivity({ ...shared, runners, broker }),
  ];
  let activities = build();
  const role = player.kind === 'model' ? backend : { ...backend, runner: 'them' };
  const runner = runnerFor(createAgentRunner(), runners);
  return {
    place,
    workspace,
    asked,
    run: (changes = {}, trace = newTrace(), crashAt = Number.POSITIVE_INFINITY) => {
      const task = taskFor(role, changes);
      return drive((flow) => runner(task.role).run(task, flow, guard), activities, trace, crashAt);
    },
    forget: async () => {
      activities = build();
    },
    async [Symbol.asyncDispose]() {
      await server?.close();
      await broker.stop();
      await place.workspaces.close('run_1');
      await place[Symbol.asyncDispose]();
    },
  };
}
