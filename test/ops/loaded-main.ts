import { registerHooks } from 'node:module';
import { z } from 'zod';

/**
 * A process that gets as far as `npm start` does before somebody asks for anything, with every kind of thing set that could
 * be looked at, and prints the packages that were loaded on the way.
 */
const given = z.object({ home: z.string() }).parse(JSON.parse(process.argv[2] ?? ''));

const loaded = new Set<string>();
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(found.url) ?? [];
    if (name !== undefined) loaded.add(name);
    return found;
  },
});

await import('../../src/main.ts');
await import('../../src/cli/start.ts');
await import('../../src/start.ts');
const { createCore } = await import('../../src/compose/core.ts');
const { readPolicy } = await import('../../src/policy/approval-settings.ts');
const { systemClock } = await import('../../src/system-clock.ts');
const { mcpSchema } = await import('../../src/domain/mcp-settings.ts');
const core = await createCore({
  home: given.home,
  clock: systemClock,
  redact: (text) => text,
  model: { api: 'responses', apiKey: null, baseUrl: 'http://127.0.0.1:9/v1', model: 'none' },
  rehearsal: false,
  repository: null,
  repositories: null,
  policy: readPolicy({}, {}),
  prices: {},
  mcp: {
    servers: mcpSchema.parse({
      tracker: { kind: 'stdio', command: 'node', args: [], tools: { find: 'read' }, agents: ['backend'] },
    }),
    values: {},
  },
  onStoreTrouble: () => undefined,
});
core.engine.recover();
core.checks.start();
const atStart = [...loaded];
await core.stop();
// In the end one that is left for later, so that a list without it means something.
await import('../../src/agents/model/model-client.ts');
console.log(JSON.stringify({ atStart, later: [...loaded] }));
process.exit(0);
