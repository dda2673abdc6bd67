import { createHash } from 'node:crypto';
import type { z } from 'zod';
import {
  amount,
  type Budget,
  type BudgetUnit,
  budgetUnits,
  nearlyUsedUp,
  type Used,
  usedUp,
} from '../../domain/budget.ts';
import { BatonError, type Failure } from '../../domain/failure.ts';
import { asJson, canonicalJson } from '../../domain/json.ts';
import { isTerminal, type RunSpec, rootRun } from '../../domain/run.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DecisionStore } from '../../ports/decisions.ts';
import type { Engine } from '../../ports/engine.ts';
import type { RunReader } from '../../ports/store.ts';
import type { Meter } from '../../ports/usage.ts';
import { SESSION_PROGRAM, sessionInputSchema } from '../contracts.ts';
import {
  BUDGET_PROGRAM,
  type BudgetAsked,
  type budgetQuestionSchema,
  DELIVERED,
  declaredSchema,
  RAISED,
  raisedSchema,
} from './contracts.ts';
import { budgetDelivered } from './delivered.ts';
import { lineOf, usedBy } from './line.ts';

export interface BreakerDeps {
  readonly meter: Meter;
  readonly runs: RunReader;
  readonly decisions: DecisionStore;
  readonly engine: Pick<Engine, 'start' | 'status'>;
  /** US dollars above which the policy wants to be asked, whatever a run was given; null: it does not. */
  readonly threshold: number | null;
  /** Percent of a budget at which people are told. */
  readonly warnAt: number;
  readonly clock: Clock;
}

/** What one run may use, as it stands now: declared, then raised by people. */
interface Given {
  readonly budget: Budget;
  /** The runs that share it, one after the other: this one, and those it goes on from. */
  readonly line: readonly string[];
  /** Who decided to take what is there; null: nobody. */
  readonly deliveredBy: string | null;
  /** Units people were told about already. */
  readonly warned: Set<BudgetUnit>;
}

/** Runs whose budgets are kept at hand. */
const MAX_RUNS = 1_000;

/**
 * The last look before anything begins that uses money or time. Once a run and its parts have used up what they were
 * given, nothing more begins: the step fails with `budget`, which pauses its run, and people are asked, once. What was
 * under way goes on to its end, so a budget is overshot by no more than the calls in flight. Nothing of a look enters a
 * journal, so a replay does not depend on it.
 */
export class BudgetBreaker {
  readonly #deps: BreakerDeps;
  readonly #given = new Map<string, Promise<Given | null>>();

  constructor(deps: BreakerDeps) {
    this.#deps = deps;
  }

  /**
   * @param runId the run, or a part of it: they share what was given
   * @throws BatonError budget / `budget_reached`, or terminal / `budget_delivered` once people took what is there
   */
  async pass(runId: string): Promise<void> {
    const root = rootRun(runId);
    const given = await this.#givenTo(root);
    if (given === null) return;
    if (given.deliveredBy !== null) throw new BatonError(budgetDelivered());
    if (budgetUnits.every((unit) => given.budget[unit] === undefined)) return;
    const used = usedBy(this.#deps.meter, given.line);
    const unit = usedUp(given.budget, used);
    if (unit === null) {
      await this.#warn(root, given, used);
      return;
    }
    await this.#ask(root, { unit, given: given.budget[unit] ?? 0 });
    throw new BatonError(reached(unit, used[unit], given.budget[unit] ?? 0));
  }

  /** People decided something: what was given is looked up anew. */
  forget(root: string): void {
    this.#given.delete(root);
  }

  #givenTo(root: string): Promise<Given | null> {
    const known = this.#given.get(root);
    if (known !== undefined) return known;
    const [oldest] = this.#given.keys();
    if (this.#given.size >= MAX_RUNS && oldest !== undefined) this.#given.delete(oldest);
    const looking = this.#look(root).catch((error: unknown) => {
      this.#given.delete(root);
      throw error;
    });
    this.#given.set(root, looking);
    return looking;
  }

  async #look(root: string): Promise<Given | null> {
    const run = await this.#deps.runs.status(root);
    if (run === null || run.spec.program !== SESSION_PROGRAM) return null;
    const { budget, limits } = declaredSchema.parse(run.spec.definition);
    const given: Budget = { ...budget };
    const usd = smaller(limits?.budgetUsd ?? budget?.usd ?? null, this.#deps.threshold);
    if (usd !== null) given.usd = usd;
    let deliveredBy: string | null = null;
    const line = await lineOf(this.#deps.runs, root);
    for (const id of line)
      for (const { kind, evidence, actor } of await this.#deps.decisions.ofRun(id)) {
        // What was taken as it is and then taken back goes on: only its own end ends it.
        if (kind === DELIVERED && id === root) deliveredBy = actor;
        if (kind !== RAISED) continue;
        const { unit, to } = raisedSchema.parse(evidence);
        given[unit] = to;
      }
    return { budget: given, line, deliveredBy, warned: new Set() };
  }

  async #warn(root: string, { budget, warned }: Given, used: Used): Promise<void> {
    const { decisions, warnAt, clock } = this.#deps;
    for (const unit of nearlyUsedUp(budget, used, warnAt)) {
      if (warned.has(unit)) continue;
      warned.add(unit);
      const given = budget[unit] ?? 0;
      const percent = Math.floor((used[unit] / given) * 100);
      const id = `dec_budget_warned_${root}_${unit}_${given}`;
      const choice = `Told people that ${percent}% of the budget is used`;
      const reason = `${amount(unit, used[unit])} of ${amount(unit, given)}`;
      const evidence = { unit, used: used[unit], given };
      const said = { id, kind: 'budget_warned', actor: 'baton', choice, reason, alternatives: [], evidence };
      const event = { type: 'budget.warned' as const, unit, used: used[unit], given };
      await decisions.record(root, { ...said, actorKind: 'baton' }, clock.now(), event);
    }
  }

  /** Begins the run that asks, unless it is there: all that come to the end of one budget share one question. */
  async #ask(root: string, asked: BudgetAsked): Promise<void> {
    const { runs, engine } = this.#deps;
    const run = await runs.status(root);
    if (run === null) return;
    // One that ended without a raise (nobody decided in time, or somebody pressed Retry) is followed by another.
    for (let n = 0; ; n += 1) {
      const id = questionId(root, asked, n);
      const before = await engine.status(id);
      if (before !== null && isTerminal(before.status)) continue;
      if (before === null) await engine.start(id, questionSpec(root, run.spec, asked));
      return;
    }
  }
}

function smaller(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

/** Like every part's: its root's id, a dot, and a digest of what it was begun for. */
function questionId(root: string, { unit, given }: BudgetAsked, n: number): string {
  return `${root}.${digest(`budget ${unit} ${given} ${n}`).slice(0, 10)}`;
}

function questionSpec(root: string, of: RunSpec, asked: BudgetAsked): RunSpec {
  const input: z.infer<typeof budgetQuestionSchema> = { ...sessionInputSchema.parse(of.input), asked };
  const pinned = { program: BUDGET_PROGRAM, programVersion: 1, definition: null };
  return {
    ...pinned,
    input: asJson(input),
    hash: digest(canonicalJson(pinned)),
    parent: { runId: root, key: `budget-${asked.unit}` },
  };
}

function reached(unit: BudgetUnit, used: number, given: number): Failure {
  return {
    class: 'budget',
    code: 'budget_reached',
    message: `It has used ${amount(unit, used)} of the ${amount(unit, given)} it was given, so nothing new begins`,
    hint: 'What was done is kept. The question in the thread has the buttons: raise it, take what is there, or stop.',
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
