import type { BusEvent } from '../domain/bus-event.ts';
import { toFailure } from '../domain/failure.ts';
import type { Wanted } from '../ports/bus.ts';
import { compileRule, type Facts, type Rule } from '../rules/rule.ts';

/** Rules kept compiled: those of the settings, and of runs that listen. */
const MAX_RULES = 500;

/** Decides rules about events. `event` is what the event says, `name` what it is called. */
export class EventRules {
  readonly #compiled = new Map<string, Rule>();

  /** A rule over a field that is not there does not match, and says so; one that cannot be decided is a failure. */
  wants(rule: string | null, facts: Facts, event: BusEvent): Wanted {
    if (rule === null) return true;
    try {
      const outcome = this.#rule(rule).evaluate({ ...facts, event: event.payload, name: event.name });
      return outcome.matched || (outcome.because === 'absent' ? 'absent' : false);
    } catch (error) {
      return toFailure(error);
    }
  }

  #rule(source: string): Rule {
    const known = this.#compiled.get(source);
    if (known !== undefined) return known;
    const read = compileRule(source);
    // It was read when the file was; what cannot be read now was written by another version.
    if (!read.ok) throw new Error(`The rule "${source}" cannot be read: ${read.message}`);
    const [oldest] = this.#compiled.keys();
    if (this.#compiled.size >= MAX_RULES && oldest !== undefined) this.#compiled.delete(oldest);
    this.#compiled.set(source, read.rule);
    return read.rule;
  }
}
