import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Control } from '../domain/control.ts';
import type { Json } from '../domain/json.ts';
import { isTerminal } from '../domain/run.ts';
import type { Node } from '../domain/workflow.ts';
import type { Interpreter } from '../patterns/interpreter.ts';
import { waitSignal } from '../patterns/wait.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import type { Redact } from '../ports/redactor.ts';
import type { Store } from '../ports/store.ts';
import { sessionDefinitionSchema } from './contracts.ts';
import { redactJson } from './redact-json.ts';
import type { Roles } from './roles.ts';

export interface SignalsDeps {
  readonly engine: Pick<Engine, 'signal'>;
  readonly store: Pick<Store, 'sessions' | 'runs' | 'decisions'>;
  readonly interpreter: Interpreter;
  readonly clock: Clock;
  readonly redact: Redact;
  readonly roles: Roles;
}

export interface SignalCall {
  readonly runId: string;
  readonly name: string;
  readonly payload: Json;
  readonly by: string;
  /** What makes it the same signal when it is delivered again. */
  readonly intent: string;
}

/** `no_wait`: the run's workflow waits for no signal of this name; those it waits for are named. */
export type Signalled = Exclude<Control, 'not_paused'> | { readonly no_wait: readonly string[] };

const waitNode = z.object({
  signal: z.string().optional(),
  any: z.array(z.object({ signal: z.string().optional() })).default([]),
});

/** What a `wait` waits for, sent by a person. Only whoever asked for the work may, as with stopping it. */
export class RunSignals {
  readonly #deps: SignalsDeps;

  constructor(deps: SignalsDeps) {
    this.#deps = deps;
  }

  async send({ runId, name, payload: given, by, intent }: SignalCall): Promise<Signalled> {
    const { engine, store, clock, redact } = this.#deps;
    const payload = redactJson(given, redact);
    const session = await store.sessions.byRun(runId);
    const run = await store.runs.status(runId);
    if (session === null || run === null) return 'unknown';
    const no = await this.#deps.roles.steers(session, by);
    if (no !== null) return no;
    if (isTerminal(run.status)) return 'already';
    const flow = sessionDefinitionSchema.parse(run.spec.definition).workflow.flow;
    const known = this.#waitedFor(flow);
    if (!known.includes(name)) return { no_wait: known };
    const key = createHash('sha256').update(intent).digest('hex').slice(0, 20);
    await store.decisions.record(
      runId,
      {
        id: `dec_signal_${key}`,
        kind: 'signal',
        actor: by,
        actorKind: 'person',
        choice: name,
        reason: 'Sent by hand',
        alternatives: known.filter((each) => each !== name),
        evidence: { payload },
      },
      clock.now(),
    );
    await engine.signal(runId, waitSignal(name), payload, `signal:${key}`);
    return 'done';
  }

  #waitedFor(flow: Node): string[] {
    const names = [...this.#deps.interpreter.walk(flow)].flatMap((node) => {
      if (node.kind !== 'wait') return [];
      const { signal, any } = waitNode.parse(node);
      return [signal, ...any.map((way) => way.signal)].filter((each) => each !== undefined);
    });
    return [...new Set(names)];
  }
}
