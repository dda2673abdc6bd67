import { z } from 'zod';
import { BatonError, type Failure, toFailure } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import type { Json } from '../domain/json.ts';
import { holdRule } from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { compileRule, type Facts, type Rule, type RuleOutcome } from '../rules/rule.ts';
import { tokenise } from '../rules/tokens.ts';
import type { RunContext } from './pattern.ts';

/** A rule in a workflow file: refused with its column when it cannot be read. */
export const ruleSchema = z.string().superRefine((source, context) => {
  const compiled = compileRule(source);
  if (!compiled.ok)
    context.addIssue({
      code: 'custom',
      message: `${compiled.message} (column ${compiled.column} of the rule)`,
    });
});

/** What rules may speak of at a node: all of it handed over or pinned, so a replay decides the same. */
export function factsOf(input: Handoff, context: RunContext, more: Facts = {}): Facts {
  const { passed, quality, findings } = input.validation;
  return {
    request: context.request,
    result: input.result,
    passed,
    status: passed ? 'success' : 'failure',
    findings,
    warnings: input.warnings,
    ...(quality === null ? {} : { quality_score: quality, quality }),
    tests: testsOf(input.result, passed),
    ...more,
  };
}

/** A command's counts where the handoff holds them. */
function testsOf(result: Json, passed: boolean): Json {
  const counts = z.object({ passed: z.number().nullable(), failed: z.number().nullable() }).safeParse(result);
  return counts.success ? { passed, count: counts.data.passed, failed: counts.data.failed } : { passed };
}

/** Decides a rule and records what came of it. */
export function* decide(source: string, facts: Facts, node: string, flow: Flow): Operation<boolean> {
  return (yield* recorded(source, facts, node, flow)).matched;
}

/** The same as a finding: what does not hold and, where it speaks of a field that is not there, that; null when it holds. */
export function* unmet(source: string, facts: Facts, node: string, flow: Flow): Operation<string | null> {
  const outcome = yield* recorded(source, facts, node, flow);
  if (outcome.matched) return null;
  const why = outcome.because === 'absent' ? ': it speaks of something that is not there' : '';
  return `${source} does not hold${why}`;
}

function* recorded(source: string, facts: Facts, node: string, flow: Flow): Operation<RuleOutcome> {
  const outcome = yield* evaluated(source, facts, node, flow);
  yield* flow.emit({
    type: 'rule.evaluated',
    node,
    rule: source,
    outcome: outcome.matched ? 'matched' : outcome.because,
  });
  return outcome;
}

function* evaluated(source: string, facts: Facts, node: string, flow: Flow): Operation<RuleOutcome> {
  try {
    return compiled(source).evaluate(facts);
  } catch (error) {
    const failure = toFailure(error);
    if (!UNDECIDED.has(failure.code)) throw error;
    yield* undecided(failure, node, flow);
    return { matched: false, because: 'false' };
  }
}

/** A rule over what cannot be compared, or over too much. */
const UNDECIDED: ReadonlySet<string> = new Set(['rule_type', 'rule_time']);

/** Pauses the run over a rule that cannot be decided; goes on once somebody has it go on without. */
export function* undecided(failure: Failure, node: string, flow: Flow): Operation<void> {
  const at = yield* flow.now('rule-at');
  yield* flow.step(
    'rule',
    holdRule,
    { node, failure, at },
    {
      label: 'a rule cannot be decided',
      // No chain of `on_error` has another way: it is neither tried again nor skipped.
      giveUp: 'pause',
    },
  );
}

/** What came of a rule that is looked at again and again: without a record, and without a pause. */
export type RuleLook =
  | { readonly outcome: 'matched' | 'false' | 'absent' }
  | { readonly outcome: 'undecided'; readonly failure: Failure };

export function lookedAt(source: string, facts: Facts): RuleLook {
  try {
    const outcome = compiled(source).evaluate(facts);
    return { outcome: outcome.matched ? 'matched' : outcome.because };
  } catch (error) {
    const failure = toFailure(error);
    if (!UNDECIDED.has(failure.code)) throw error;
    return { outcome: 'undecided', failure };
  }
}

/** Whether a rule speaks of a fact by this name: what is not asked for need not be read. */
export function asksFor(source: string, name: string): boolean {
  const read = tokenise(source);
  return (
    read.ok &&
    read.tokens.some(
      ({ kind, text }, at) => kind === 'word' && text === name && read.tokens[at - 1]?.text !== '.',
    )
  );
}

function compiled(source: string): Rule {
  const read = compileRule(source);
  if (read.ok) return read.rule;
  throw new BatonError({
    class: 'structural',
    code: 'rule_invalid',
    message: `The rule "${source}" cannot be read: ${read.message}`,
  });
}
