import { z } from 'zod';
import { durationMs, durationSchema } from '../domain/duration.ts';
import { BatonError } from '../domain/failure.ts';
import { mergeContext } from '../domain/handoff.ts';
import { type Json, jsonSchema } from '../domain/json.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('wait'),
    for: durationSchema.optional(),
    signal: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,39}$/, 'A signal is lower-case letters, digits and dashes, at most 40')
      .optional(),
    /** How long the signal is waited for; without it, for ever. */
    within: durationSchema.optional(),
    on_timeout: z.enum(['fail', 'go_on']).optional(),
  })
  .superRefine((node, context) => {
    const say = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if ((node.for === undefined) === (node.signal === undefined))
      say('for', 'Write either `for` or `signal`.');
    if (node.within !== undefined && node.signal === undefined)
      say('within', '`within` belongs to `signal`.');
    if (node.on_timeout !== undefined && node.within === undefined)
      say('on_timeout', '`on_timeout` needs `within`.');
  });
type Wait = z.infer<typeof schema>;

/** The run's signal that a `wait` listens to: a name of its own, so that no workflow takes a decision's. */
export function waitSignal(name: string): string {
  return `wait:${name}`;
}

/**
 * P14: waits for a time or for a signal of this run. The timer is the journal's, kept as the moment it ends: neither
 * a restart nor a wait beyond what one timer of the process can hold moves it.
 */
export const wait = definePattern({
  kind: 'wait',
  schema,
  *run(node, input, flow) {
    yield* flow.emit({ type: 'node.started', node: node.id, kind: 'wait' });
    if (node.signal === undefined) {
      yield* flow.sleep('for', durationMs(node.for ?? ''));
      yield* flow.emit(finished(node, 'done', `waited ${node.for ?? ''}`));
      return input;
    }
    const came = yield* listen(node, node.signal, flow);
    if (came !== null) {
      const summary = `"${node.signal}" came`;
      yield* flow.emit(finished(node, 'done', summary));
      return {
        ...input,
        result: came.payload,
        context: mergeContext(input.context, [{ node: node.id, agent: null, summary }]),
      };
    }
    const late = `"${node.signal}" did not come within ${node.within ?? ''}`;
    if (node.on_timeout === 'go_on') {
      yield* flow.emit(finished(node, 'skipped', late));
      return { ...input, warnings: [...new Set([...input.warnings, `${node.id}: ${late}`])] };
    }
    throw new BatonError({
      class: 'terminal',
      code: 'wait_timeout',
      message: late,
      hint: 'The branch and every snapshot are kept. Run it again when it can come, or write `on_timeout: go_on`.',
    });
  },
  estimate(node) {
    const ms = durationMs(node.for ?? node.within ?? '');
    const least = node.signal === undefined ? ms : 0;
    return {
      ms: { low: least, mid: (least + ms) / 2, high: ms },
      usd: { low: 0, mid: 0, high: 0 },
      asks: 0,
    };
  },
  describe: (node) =>
    node.signal === undefined
      ? `wait ${node.for ?? ''}`
      : `wait for "${node.signal}"${node.within === undefined ? '' : ` (${node.within} at most)`}`,
});

function* listen(node: Wait, name: string, flow: Flow): Operation<{ readonly payload: Json } | null> {
  const schemaOfCame = jsonSchema.transform((payload) => ({ payload }));
  return node.within === undefined
    ? yield* flow.waitSignal('signal', waitSignal(name), schemaOfCame)
    : yield* flow.waitSignalFor('signal', waitSignal(name), schemaOfCame, durationMs(node.within));
}

function finished(node: Wait, status: 'done' | 'skipped', summary: string) {
  return { type: 'node.finished' as const, node: node.id, status, summary };
}
