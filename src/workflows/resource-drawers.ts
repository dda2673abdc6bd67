import { z } from 'zod';
import { nodeSchema } from '../domain/workflow.ts';
import { type Drawer, drawer } from './drawer.ts';
import { box, column, fork, type Way } from './shapes.ts';

const id = nodeSchema.shape.id;
const node = nodeSchema;
const list = z.array(nodeSchema);

/** How kinds are drawn that look at how things go and at what there is. */
export const RESOURCE_DRAWERS: readonly (readonly [string, Drawer])[] = [
  [
    'adaptive',
    drawer(
      z.object({
        id,
        body: node,
        adaptations: z.array(
          z.object({
            when: z.string(),
            do: z.string().optional(),
            agent: z.string().optional(),
            insert: node.optional(),
            to: node.optional(),
          }),
        ),
      }),
      ({ id, body, adaptations }, draw) =>
        fork(box('choice', id, 'adapts at sync points'), [
          { label: '', part: draw(body) },
          ...adaptations.map(({ when, do: word, agent, insert, to }): Way => {
            const other = to ?? insert;
            const part = other === undefined ? box('point', word ?? agent ?? '') : draw(other);
            return { label: insert === undefined ? when : `${when}: in between`, part };
          }),
        ]),
    ),
  ],
  [
    'orchestrator',
    drawer(
      z.object({
        id,
        mode: z.string(),
        orchestrator: z.string().optional(),
        domains: z.array(z.object({ id, purpose: z.string(), needs: z.array(z.string()), flow: node })),
      }),
      ({ id, mode, orchestrator, domains }, draw) =>
        fork(
          box('choice', id, orchestrator === undefined ? mode : `${orchestrator} leads`),
          domains.map(
            ({ id: domain, purpose, needs, flow }): Way => ({
              label: needs.length === 0 ? '' : `after ${needs.join(', ')}`,
              part: column([box('point', domain, purpose), draw(flow)]),
            }),
          ),
        ),
    ),
  ],
  [
    'resource-aware',
    drawer(
      z.object({
        id,
        tasks: z.array(
          z.object({
            id,
            do: node.optional(),
            ways: list.optional(),
            needs: z.array(z.string()),
            uses: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
          }),
        ),
      }),
      ({ id, tasks }, draw) =>
        fork(
          box('choice', id, 'as resources allow'),
          tasks.map(({ id: task, do: only, ways, needs, uses }): Way => {
            const all = [...(only === undefined ? [] : [only]), ...(ways ?? [])].map(draw);
            const race = fork(
              box('point', task),
              all.map((part) => ({ label: '', part })),
              box('point', 'the first'),
            );
            const what = Object.entries(uses ?? {}).map(([name, amount]) => `${amount} × ${name}`);
            const label = [...what, ...(needs.length === 0 ? [] : [`after ${needs.join(', ')}`])].join('; ');
            return { label, part: all.length === 1 ? column(all) : race };
          }),
        ),
    ),
  ],
];
