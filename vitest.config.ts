import { defineConfig } from 'vitest/config';

/** Whole workflows with real git and tools, merges by chance, every verb of git in every trap: each takes seconds, together minutes. */
const workflows = [
  'test/hostile/permuted.test.ts',
  'test/approvals/desk-crowd.test.ts',
  'test/catalog/{streams,pipelines,reactions,teams}.test.ts',
  'test/control-flow/**/*.test.ts',
  'test/orchestrator/{events,streams*}.test.ts',
  'test/workspace/streams.property.test.ts',
  'test/hostile/git-traps.test.ts',
  'test/rollback/kills.test.ts',
];

/** `unit` is `npm test`; `workflows` plays what ships to its end; `e2e` starts whole processes and a browser. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/chaos/**', 'test/soak/**', ...workflows],
          // One module graph per worker: tests keep no module-level state.
          isolate: false,
          maxWorkers: 2,
          testTimeout: 60_000,
        },
      },
      {
        test: { name: 'workflows', include: workflows, isolate: false, maxWorkers: 2, testTimeout: 60_000 },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
