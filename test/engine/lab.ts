import { z } from 'zod';
import { BatonError, type Failure } from '../../src/domain/failure.ts';
import type { Json } from '../../src/domain/json.ts';
import { type Activity, contract, implement, type StepContext } from '../../src/ports/activity.ts';
import type { Flow, Operation, Program } from '../../src/ports/flow.ts';

export const work = contract(
  'work',
  z.object({ name: z.string() }),
  z.object({ name: z.string(), attempt: z.number() }),
);

type Rule = (context: StepContext) => Promise<void> | void;

/** An activity whose every call is noted, and which does as told for each name: at once, later, never, or badly. */
export class Lab {
  readonly calls: { readonly name: string; readonly attempt: number; readonly key: string }[] = [];
  readonly underWay = new Set<string>();
  readonly #rules = new Map<string, Rule>();
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();

  readonly activity: Activity = implement(work, async ({ name }, context) => {
    this.calls.push({ name, attempt: context.attempt, key: context.idempotencyKey });
    this.underWay.add(name);
    try {
      await this.#rules.get(name)?.(context);
    } finally {
      this.underWay.delete(name);
    }
    return { name, attempt: context.attempt };
  });

  /** Calls of `name` do not end until {@link open}, or until they are aborted. */
  hold(name: string): void {
    const gate = Promise.withResolvers<void>();
    this.#gates.set(name, gate);
    this.#rules.set(name, ({ signal }) => {
      signal.addEventListener('abort', () => gate.reject(signal.reason), { once: true });
      return gate.promise;
    });
  }

  open(name: string): void {
    this.#rules.delete(name);
    this.#gates.get(name)?.resolve();
  }

  fail(name: string, failure: Failure, times = Number.POSITIVE_INFINITY): void {
    let left = times;
    this.#rules.set(name, () => {
      left -= 1;
      if (left >= 0) throw new BatonError(failure);
    });
  }

  rule(name: string, rule: Rule): void {
    this.#rules.set(name, rule);
  }

  count(name: string): number {
    return this.calls.filter((call) => call.name === name).length;
  }
}

/** A program out of a body. */
export function program(
  name: string,
  run: (flow: Flow, input: Json) => Operation<Json>,
  version = 1,
): Program {
  return {
    name,
    version,
    *run(_definition, input, flow) {
      return yield* run(flow, input);
    },
  };
}

/** A step of the lab. */
export function* does(
  flow: Flow,
  name: string,
  options: Parameters<Flow['step']>[3] = {},
): Operation<string> {
  const { name: done, attempt } = yield* flow.step(name, work, { name }, options);
  return `${done}@${attempt}`;
}

/** A sleep as a branch that ends with a word. */
export function* nap(flow: Flow, ms: number): Operation<string> {
  yield* flow.sleep('nap', ms);
  return 'rested';
}

export const flaky: Failure = { class: 'transient', code: 'flaky', message: 'not now' };
export const hopeless: Failure = { class: 'terminal', code: 'hopeless', message: 'never' };
export const stuck: Failure = { class: 'needs_person', code: 'stuck', message: 'somebody must help' };
