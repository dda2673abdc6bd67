import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { createHealthStore } from '../../db/health.ts';
import { createMcpPins } from '../../db/mcp-pins.ts';
import { openStore } from '../../db/open.ts';
import { createAgentRunner } from '../../src/agents/agent-runner.ts';
import { serverTools } from '../../src/agents/mcp/activity.ts';
import { createModelClient } from '../../src/agents/model/model-client.ts';
import { modelTurn } from '../../src/agents/model/model-turn.ts';
import { toolCall } from '../../src/agents/tool-call.ts';
import type { AgentResult, AgentTask } from '../../src/domain/agent.ts';
import { mcpSchema } from '../../src/domain/mcp-settings.ts';
import { createRedactor } from '../../src/policy/redact.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Guard, ToolAsked } from '../../src/ports/runner.ts';
import { bench } from '../workspace/support.ts';
import { drive, newTrace, type Trace } from './drive.ts';
import { type Asked, startModelServer, type Turn, turnEvents } from './model-server.ts';
import { type Script, toolServer } from './programs/mcp-tools.ts';
import { sandbox } from './runner-world.ts';
import { backend, poolOf, realClock, taskFor, workDone } from './support.ts';
import { turnsIn } from './world.ts';

const PROGRAMS = dirname(fileURLToPath(new URL('./programs/mcp-server.ts', import.meta.url)));
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../../package.json', import.meta.url));
export const TOKEN = 'tracker-token-7f3a9c51e2';

/** Settings of a server that is a process of ours. */
export function stdio(
  script: Script & { readonly greets?: string },
  tools: Readonly<Record<string, unknown>>,
  more = {},
) {
  return {
    kind: 'stdio',
    command: 'node',
    args: [join(PROGRAMS, 'mcp-server.ts'), JSON.stringify(script)],
    env: { LEVEL: 'info' },
    secrets: ['TRACKER_TOKEN'],
    reads: [PROGRAMS, MODULES, PACKAGE],
    agents: ['*'],
    tools,
    ...more,
  };
}

export interface HttpTools {
  readonly url: string;
  readonly headers: Record<string, string | string[] | undefined>[];
  /** Names of the tools that were called. */
  readonly calls: string[];
  readonly close: () => Promise<void>;
}

/** A real tool server over HTTP, without sessions: a server for each request. */
export async function httpTools(script: Script, port = 0): Promise<HttpTools> {
  const headers: HttpTools['headers'] = [];
  const calls: string[] = [];
  const server = createServer((request, response) => {
    headers.push(request.headers);
    void (async () => {
      const tools = toolServer(script, (name) => calls.push(name));
      const transport = new StreamableHTTPServerTransport({});
      response.on('close', () => void tools.close());
      await tools.connect(withoutSessions(transport));
      await transport.handleRequest(request, response);
    })();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/mcp`,
    headers,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The library's own types leave out what may be undefined: the same door, typed as the other side wants it. */
function withoutSessions(transport: StreamableHTTPServerTransport): Transport {
  return {
    start: () => transport.start(),
    send: (message, { relatedRequestId } = {}) =>
      transport.send(message, relatedRequestId === undefined ? {} : { relatedRequestId }),
    close: () => transport.close(),
    set onmessage(hear: Transport['onmessage']) {
      if (hear !== undefined) transport.onmessage = hear;
    },
    set onclose(hear: Transport['onclose']) {
      if (hear !== undefined) transport.onclose = hear;
    },
  };
}

export interface McpWorld {
  readonly run: (
    script: readonly Turn[],
    changes?: Partial<AgentTask>,
    trace?: Trace,
    crashAt?: number,
  ) => Promise<AgentResult>;
  readonly requests: Asked[];
  /** What people were asked. */
  readonly asked: ToolAsked[];
  /** Digest-bound calls that were let through at the last look. */
  readonly allowed: unknown[];
  readonly folder: string;
  readonly health: ReturnType<typeof createHealthStore>;
  /** As a restart does. */
  readonly forget: () => Promise<void>;
  /** Other settings, as after baton.yaml was changed and Baton started again. */
  readonly configure: (servers: unknown) => Promise<void>;
  /** Everything that was stored. */
  readonly stored: () => string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A real worktree, sandbox, database and tool servers; a scripted model server. @param says answers questions */
export async function mcpWorld(
  servers: unknown,
  says: (asked: ToolAsked) => boolean = () => true,
  clock: Clock = realClock,
): Promise<McpWorld> {
  const place = await bench({ 'src/a.js': 'one\n' }, sandbox);
  const workspace = await place.open();
  const database = openStore(join(place.root, 'baton.db'));
  const health = createHealthStore(database.raw, () => clock.now());
  const asked: ToolAsked[] = [];
  const allowed: unknown[] = [];
  const guard: Guard = {
    *command() {
      yield* [];
      return null;
    },
    *tool(what) {
      yield* [];
      asked.push(what);
      return says(what) ? null : 'Not allowed: bob said no.';
    },
    *ask() {
      yield* [];
      return 'yes';
    },
  };
  let script: readonly Turn[] = [];
  const model = await startModelServer((request) => {
    const turn = script[Math.min(turnsIn(request), script.length - 1)];
    if (turn === undefined) throw new Error('the script is empty');
    return { events: turnEvents('chat', turn) };
  });
  const redact = createRedactor([TOKEN]);
  const build = (of: unknown) =>
    serverTools({
      servers: mcpSchema.parse(of),
      values: { TRACKER_TOKEN: TOKEN },
      workspaceOf: async () => workspace,
      pins: createMcpPins(database.db, () => clock.now()),
      health,
      clock,
      redact,
      allow: async (call) => void allowed.push(call),
    });
  let settings = servers;
  let tools = build(settings);
  const client = createModelClient({
    api: 'chat',
    apiKey: 'k',
    baseUrl: model.url,
    model: 'm',
    clock: realClock,
  });
  const shared = {
    workspaceOf: async () => workspace,
    redact,
    clock: realClock,
    allowUnsandboxed: async () => true,
  };
  const others = [
    modelTurn({
      models: poolOf(client),
      redact,
      prices: {},
      guidance: { of: async () => [], notes: async () => [] },
    }),
    toolCall({ ...shared, summariseTests: () => null }),
  ];
  const runner = createAgentRunner();
  const forget = async () => {
    await tools.stop();
    tools = build(settings);
  };
  return {
    requests: model.asked,
    asked,
    allowed,
    folder: workspace.info.path,
    health,
    forget,
    configure: async (other) => {
      settings = other;
      await forget();
    },
    stored: () =>
      JSON.stringify([
        database.raw.prepare('select * from settings').all(),
        database.raw.prepare('select * from health').all(),
      ]),
    run: (turns, changes = {}, trace = newTrace(), crashAt = Number.POSITIVE_INFINITY) => {
      script = [...turns, { text: workDone }];
      const names = Object.keys(mcpSchema.parse(settings));
      const task = taskFor({ ...backend, mcp: names }, changes);
      return drive((flow) => runner.run(task, flow, guard), [...others, ...tools.activities], trace, crashAt);
    },
    async [Symbol.asyncDispose]() {
      await tools.stop();
      await model.close();
      database.close();
      await place.workspaces.close('run_1');
      await place[Symbol.asyncDispose]();
    },
  };
}
