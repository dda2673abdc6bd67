import { createAgentRunner } from '../../src/agents/agent-runner.ts';
import { createModelClient } from '../../src/agents/model/model-client.ts';
import { ModelPool } from '../../src/agents/model/model-pool.ts';
import { modelTurn } from '../../src/agents/model/model-turn.ts';
import { toolCall } from '../../src/agents/tool-call.ts';
import type { AgentResult, AgentTask } from '../../src/domain/agent.ts';
import type { Guidance } from '../../src/domain/steering.ts';
import { createRedactor } from '../../src/policy/redact.ts';
import type { Guard } from '../../src/ports/runner.ts';
import { drive, newTrace, type Trace } from './drive.ts';
import { type FolderWorkspace, folderWorkspace } from './folder-workspace.ts';
import {
  type Answer,
  type Api,
  type Asked,
  type ModelServer,
  startModelServer,
  type Turn,
  turnEvents,
} from './model-server.ts';
import { backend, fastClock, realClock, taskFor } from './support.ts';

export const SECRET = 'correct-horse-battery-0451';

/** Lets every command pass but one. */
const guard: Guard = {
  *command(argv, flow) {
    if (argv[0] !== 'curl') return null;
    yield* flow.emit({ type: 'note', text: 'bob said no' });
    return 'Not run: bob said no, use what is there.';
  },
  *tool() {
    yield* [];
    return null;
  },
  *ask({ question }, flow) {
    yield* flow.emit({ type: 'note', text: question });
    return 'The answer is yes.';
  },
};

export interface World {
  readonly server: ModelServer;
  readonly workspace: FolderWorkspace;
  close(): Promise<void>;
  readonly run: (changes?: Partial<AgentTask>, trace?: Trace, crashAt?: number) => Promise<AgentResult>;
}

/** A server that plays the script by how far the transcript has come, a temp folder, the real activities. */
export async function startWorld(
  script: readonly (Turn | Answer)[] | ((asked: Asked, count: number) => Turn | Answer),
  api: Api = 'chat',
  allowUnsandboxed = true,
  /** What people have said, read anew at each turn. */
  said: () => readonly Guidance[] = () => [],
): Promise<World> {
  const server = await startModelServer((asked, count) => {
    const step =
      typeof script === 'function'
        ? script(asked, count)
        : script[Math.min(turnsIn(asked), script.length - 1)];
    if (step === undefined) throw new Error('the script is empty');
    return isAnswer(step) ? step : { events: turnEvents(api, step) };
  });
  const workspace = await folderWorkspace({
    'src/a.js': 'export const a = 1;\n',
    'check.js': "require('fs').readFileSync('src/csv.js'); console.log('pass 3 fail 0')",
    '.env': `TOKEN_X=${SECRET}\n`,
  });
  const redact = createRedactor([SECRET]);
  const client = createModelClient({
    api,
    apiKey: 'k',
    baseUrl: server.url,
    model: 'rehearsal',
    clock: realClock,
  });
  const activities = [
    modelTurn({
      models: new ModelPool({
        endpoints: [{ client, host: 'test', rests: false }],
        clock: fastClock,
        callMs: 60_000_000,
        health: null,
      }),
      redact,
      prices: { rehearsal: { input: 0, cached: 0, output: 0 } },
      guidance: { of: async () => said(), notes: async () => [] },
    }),
    toolCall({
      workspaceOf: async () => workspace,
      redact,
      clock: realClock,
      allowUnsandboxed: async () => allowUnsandboxed,
      summariseTests: (output) => (output.includes('pass 3') ? { passed: 3, failed: 0 } : null),
    }),
  ];
  const runner = createAgentRunner();
  return {
    server,
    workspace,
    close: async () => {
      await server.close();
      await workspace.remove();
    },
    run: (changes = {}, trace = newTrace(), crashAt = Number.POSITIVE_INFINITY) =>
      drive((flow) => runner.run(taskFor(backend, changes), flow, guard), activities, trace, crashAt),
  };
}

function isAnswer(step: Turn | Answer): step is Answer {
  return 'events' in step || 'status' in step;
}

/** Assistant turns a request's transcript already holds. */
export function turnsIn(asked: Asked): number {
  const items = asked.body['messages'] ?? asked.body['input'];
  if (!Array.isArray(items)) return 0;
  let turns = 0;
  let inTurn = false;
  for (const item of items) {
    const ours = item.role === 'assistant' || item.type === 'function_call';
    if (ours && !inTurn) turns += 1;
    inTurn = ours;
  }
  return turns;
}
