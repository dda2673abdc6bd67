import { z } from 'zod';
import type { Asked, Turn } from '../agents/model-server.ts';
import type { RepairTask } from './repair.ts';

const textSchema = z.union([z.string(), z.array(z.looseObject({ text: z.string() }))]);
const itemSchema = z.looseObject({
  role: z.string().optional(),
  type: z.string().optional(),
  content: textSchema.nullish(),
  output: z.string().optional(),
});

/** The transcript of either interface: what was asked, and what tools answered, in order. */
function transcript({ body }: Asked): { readonly first: string; readonly results: readonly string[] } {
  const items = z.array(itemSchema).parse(body['messages'] ?? body['input']);
  const text = (content: z.infer<typeof textSchema> | null | undefined) =>
    typeof content === 'string' ? content : (content ?? []).map((part) => part.text).join('');
  return {
    first: items
      .filter(({ role }) => role === 'user')
      .map(({ content }) => text(content))
      .join('\n'),
    results: items.flatMap(({ role, type, content, output }) =>
      role === 'tool' ? [text(content)] : type === 'function_call_output' ? [output ?? ''] : [],
    ),
  };
}

/**
 * A model that always knows what to do next: it looks around, sees the tests fail, reads, mends, sees the tests pass, and
 * says so. A pure function of the transcript; where a result is not what it expected it says that instead.
 */
export function solve(asked: Asked, tasks: readonly RepairTask[]): Turn {
  const { first, results } = transcript(asked);
  const task = tasks.find(({ id }) => first.includes(`Request: mend ${id}\n`));
  if (task === undefined) throw new Error('no such task');
  const tests = task.test ?? ['npm', 'test'];
  const plan = [
    { name: 'list', args: { under: null } },
    { name: 'run', args: { argv: tests } },
    ...task.reads.map((path) => ({ name: 'read', args: { path, from: null, to: null } })),
    ...task.fix,
    { name: 'diff', args: {} },
    { name: 'run', args: { argv: tests } },
  ];
  const [, before] = results;
  if (before !== undefined && !/exit code [1-9]/.test(before)) return done(['the tests did not fail']);
  const next = plan[results.length];
  if (next !== undefined) return { calls: [next] };
  const [changes, after] = results.slice(-2);
  if (!/exit code 0/.test(after ?? '')) return done([`the tests still fail: ${after?.slice(0, 300)}`]);
  return done(changes?.includes('diff --git') === true ? [] : ['the diff was empty']);
}

function done(warnings: readonly string[]): Turn {
  return {
    text: JSON.stringify({
      summary: warnings.length === 0 ? 'The tests pass.' : 'Not mended.',
      files: [],
      warnings,
    }),
  };
}
