import { defineConfig } from 'vitest/config';

/** Every workflow that ships and every pattern of control flow, played to its end in a real repository: seconds each. */
const workflows = [
  'test/catalog/{streams,pipelines,reactions,teams}.test.ts',
  'test/control-flow/**/*.test.ts',
  'test/orchestrator/events.test.ts',
];

/** Deaths at every event, races, hostile repositories, members and programs, merges by chance: minutes together. */
const long = [
  'test/agents/{contract,mcp,program-caps,program-needs,usage-rows}.test.ts',
  'test/approvals/{desk-crowd,planted-around}.test.ts',
  'test/cli/clean.test.ts',
  'test/db/{history,bus.property}.test.ts',
  'test/handlers/{apart,archived,budget,conflicts,gates,hand-over,hand-over-https,reach,rollback,steering,subscriptions,tasks,workspaces}.test.ts',
  'test/hostile/{git-traps,members,permuted,permuted-kinds,requester}.test.ts',
  'test/orchestrator/{budget,budget-line,budget-shared,hand-over,heal,join-rule,mixed-runners}.test.ts',
  'test/orchestrator/{person-withdrawn,program-budget,program-needs,question-withdrawn,streams*}.test.ts',
  'test/patterns/nesting.property.test.ts',
  'test/providers/**/*.test.ts',
  'test/rollback/**/*.test.ts',
  'test/workspace/{bombs,cleaning.property,conflicts,hand-over,open,racer,sandbox-runtime,search,streams,streams.property}.test.ts',
];

const setupFiles = ['test/support/seed.ts'];

/** `unit` is `npm test`; `workflows` and `long` are what takes too long for it; `e2e` starts whole processes and a browser. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles,
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/chaos/**', 'test/soak/**', ...workflows, ...long],
          // One module graph per worker: tests keep no module-level state.
          isolate: false,
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'workflows',
          setupFiles,
          include: workflows,
          isolate: false,
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'long',
          setupFiles,
          include: long,
          isolate: false,
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          setupFiles,
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
