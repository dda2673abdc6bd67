import type { ModelClient } from '../../src/agents/model/model-client.ts';
import { ModelPool } from '../../src/agents/model/model-pool.ts';
import type { AgentRole, AgentTask } from '../../src/domain/agent.ts';
import type { Clock } from '../../src/ports/clock.ts';

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, fire) => {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

/** Runs a hundred times as fast: waits that a server asks for are waited, and take no time. */
export const fastClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now() * 100,
  after: (ms, fire) => realClock.after(ms / 100, fire),
};

export const backend: AgentRole = {
  name: 'backend',
  title: 'backend engineer',
  description: 'writes code',
  capabilities: [],
  tier: 'standard',
  backup: null,
  tools: ['list', 'read', 'search', 'write', 'edit', 'run'],
  output: 'work',
  model: null,
  instructions: 'Build it.',
};

export const reviewer: AgentRole = {
  ...backend,
  name: 'reviewer',
  title: 'reviewer',
  tools: ['read'],
  output: 'review',
};

export function taskFor(role: AgentRole, changes: Partial<AgentTask> = {}): AgentTask {
  return {
    node: 'build',
    role,
    request: 'Add CSV export',
    task: 'Write src/csv.js',
    context: [],
    previous: null,
    feedback: [],
    output: (changes.role ?? role).output,
    options: [],
    stream: null,
    testCommand: ['npm', 'test'],
    limits: { turns: 12, tokens: 1_000_000, timeoutMs: 600_000 },
    ...changes,
  };
}

export const workDone = JSON.stringify({
  summary: 'Done.',
  files: ['src/csv.js'],
  warnings: ['slow on huge input'],
});

/** A client alone: no limits, no circuit, no one that stands in. */
export function poolOf(client: ModelClient): ModelPool {
  return new ModelPool({
    endpoints: [{ client, host: 'test', rests: false }],
    clock: fastClock,
    health: null,
    callMs: 60_000_000,
  });
}
