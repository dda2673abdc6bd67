import { z } from 'zod';
import { type Node, nodeSchema } from '../domain/workflow.ts';
import { type Draw, type Drawer, drawer } from './drawer.ts';
import { type Box, box, column, fork, type Picture } from './shapes.ts';

const id = nodeSchema.shape.id;
const node = nodeSchema;
const list = z.array(nodeSchema);

export const joinSchema = z.object({
  count: z.number().optional(),
  when: z.string().optional(),
  rest: z.string(),
});

export function joinBox(join: z.infer<typeof joinSchema> | undefined): Box {
  if (join === undefined) return box('point');
  const rest = join.rest === 'cancel' ? 'the rest is cancelled' : 'the rest goes on';
  return box('point', join.when ?? `${join.count ?? 0} ended`, rest);
}

export function joined(work: Picture, then: Node | undefined, draw: Draw): Picture {
  return then === undefined ? work : column([work, draw(then)]);
}

/** How the kinds are drawn that speak of time, choice and ends rather than of agents. */
export const FLOW_DRAWERS: readonly (readonly [string, Drawer])[] = [
  [
    'machine',
    drawer(
      z.object({
        id,
        states: z.array(
          z.object({
            id,
            run: node.optional(),
            go: z.array(z.object({ if: z.string().optional(), to: z.string() })).optional(),
          }),
        ),
        max_visits: z.number(),
      }),
      ({ id, states, max_visits: visits }, draw) => ({
        type: 'cycle',
        body: fork(
          box('choice', id, `${visits} visits of a state at most`),
          states.map((state) => ({
            label: state.id,
            part: state.run === undefined ? null : draw(state.run),
          })),
        ),
        check: box(
          'choice',
          'next state',
          ...states.flatMap((state) =>
            (state.go ?? []).map(
              ({ if: rule, to }) => `${state.id} to ${to}${rule === undefined ? '' : `: ${rule}`}`,
            ),
          ),
        ),
        again: 'another state',
        repair: null,
        done: 'an end',
      }),
    ),
  ],
  [
    'workflow',
    drawer(z.object({ id, workflow: z.string() }), (at) => box('work', at.id, `workflow ${at.workflow}`)),
  ],
  [
    'wait',
    drawer(
      z.object({
        id,
        for: z.string().optional(),
        signal: z.string().optional(),
        any: z
          .array(
            z.object({ for: z.string().optional(), signal: z.string().optional(), then: node.optional() }),
          )
          .optional(),
      }),
      ({ id, for: time, signal, any }, draw) =>
        any === undefined
          ? box('point', id, time === undefined ? `until ${signal ?? ''}` : `waits ${time}`)
          : fork(
              box('choice', id, 'whichever comes first'),
              any.map((way) => ({
                label: way.signal ?? `after ${way.for ?? ''}`,
                part: way.then === undefined ? null : draw(way.then),
              })),
            ),
    ),
  ],
  [
    'end',
    drawer(z.object({ id, status: z.string() }), (at) =>
      box('end', at.id, at.status === 'failed' ? 'ends it, failed' : 'ends it'),
    ),
  ],
  [
    'race',
    drawer(z.object({ id, runners: list, needs: z.number() }), ({ id, runners, needs }, draw) =>
      fork(
        box('point', id),
        runners.map((runner) => ({ label: '', part: draw(runner) })),
        box('point', needs === 1 ? 'the first' : `the first ${needs}`),
      ),
    ),
  ],
  [
    'map',
    drawer(
      z.object({
        id,
        over: z.string().optional(),
        items: z.array(z.unknown()).optional(),
        body: node,
        limit: z.number(),
        more: z.string().optional(),
        join: joinSchema.optional(),
        then: node.optional(),
      }),
      ({ id, over, items, body, limit, more, join, then }, draw) =>
        joined(
          fork(
            box(
              'point',
              id,
              `for each of ${over ?? `${items?.length ?? 0} items`}`,
              more === undefined ? '' : `and each "${more}"`,
            ),
            [{ label: `${limit} at once`, part: draw(body) }],
            joinBox(join),
          ),
          then,
          draw,
        ),
    ),
  ],
];
