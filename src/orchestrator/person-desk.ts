import type { Decider } from '../domain/approval.ts';
import type { Json } from '../domain/json.ts';
import type { PeopleSettings, PersonTask, TaskRefusal, TaskResult } from '../domain/person-task.ts';
import { type Hand, leastBusy, mayNot } from '../domain/person-task-rules.ts';
import type { Clock } from '../ports/clock.ts';
import type { Directory } from '../ports/directory.ts';
import type { Engine } from '../ports/engine.ts';
import { loadOf, type PersonTaskStore } from '../ports/person-tasks.ts';
import type { Redact } from '../ports/redactor.ts';
import { redactJson } from './redact-json.ts';

export interface PersonDeskDeps {
  readonly tasks: PersonTaskStore;
  readonly directory: Directory;
  /** Of a workspace, by their ids there. */
  readonly people: (team: string) => PeopleSettings;
  readonly engine: Pick<Engine, 'wake'>;
  readonly clock: Clock;
  readonly redact: Redact;
}

/** Somebody's word about a task. */
export interface AboutTask {
  readonly nonce: string;
  readonly intent: string;
  readonly by: Decider;
}

/**
 * What people do about their tasks, whatever door they came through. Who is in the groups is looked up at that moment;
 * when it cannot be told, nothing is done.
 */
export class PersonDesk {
  readonly #deps: PersonDeskDeps;

  constructor(deps: PersonDeskDeps) {
    this.#deps = deps;
  }

  /** Whether a form may be opened about it; null when there is no such task. */
  async look({ nonce, by }: Omit<AboutTask, 'intent'>): Promise<TaskResult | null> {
    return this.#with(nonce, by, async (hand, task) => {
      const refusal = mayNot(task, hand);
      return refusal === null ? { ok: true, task } : { ok: false, refusal, task };
    });
  }

  /** Those to whom it may be given instead of whose it is. */
  async others(task: PersonTask): Promise<string[]> {
    return (await this.#candidates(task)).filter((id) => id !== task.assignee);
  }

  /** @param output the fields asked for; null where words are all that is asked for */
  async finish(said: AboutTask, output: Json | null, words: string): Promise<TaskResult | null> {
    const { redact, clock, tasks } = this.#deps;
    return this.#with(said.nonce, said.by, async (hand, task) => {
      if (task.fields.length > 0 && output === null && mayNot(task, hand) === null)
        return { ok: false, refusal: 'needs_form', task };
      const clean = redact(words);
      const result = output ?? { summary: clean, files: [], warnings: [] };
      return tasks.finish({
        ...said,
        by: hand,
        now: clock.now(),
        words: clean,
        output: redactJson(result, redact),
      });
    });
  }

  async handOver(said: AboutTask, to: string): Promise<TaskResult | null> {
    const { tasks, clock } = this.#deps;
    return this.#with(said.nonce, said.by, async (by, task) =>
      tasks.handOver({ ...said, by, to, candidates: await this.#candidates(task), now: clock.now() }),
    );
  }

  /** It goes to the next who may and has least to do; when all have said so, the task has ended. */
  async decline(said: AboutTask, reason: string): Promise<TaskResult | null> {
    const { tasks, clock, redact, people } = this.#deps;
    return this.#with(said.nonce, said.by, async (by, task) => {
      const passed = new Set([...task.declined.map((each) => each.by), by.id]);
      const left = (await this.#candidates(task)).filter((id) => !passed.has(id));
      const next = leastBusy(left, loadOf(await tasks.openIn(task.team)), people(task.team));
      return tasks.decline({ ...said, by, reason: redact(reason), next, now: clock.now() });
    });
  }

  /** Left out, by whoever asked for the work. */
  async skip(said: AboutTask, reason: string): Promise<TaskResult | null> {
    const { tasks, clock, redact } = this.#deps;
    return this.#with(said.nonce, said.by, async (by) =>
      tasks.skip({ ...said, by, reason: redact(reason), now: clock.now() }),
    );
  }

  async #candidates({ people, groups, team }: PersonTask): Promise<string[]> {
    const { directory } = this.#deps;
    const members = await Promise.all(groups.map((group) => directory.members(group, team, false)));
    return [...new Set([...people, ...members.flat()])];
  }

  async #with(
    nonce: string,
    by: Decider,
    act: (hand: Hand, task: PersonTask) => Promise<TaskResult | null>,
  ): Promise<TaskResult | null> {
    const { tasks, engine, directory } = this.#deps;
    const task = await tasks.byNonce(nonce);
    if (task === null) return null;
    let hand: Hand;
    try {
      const members = await Promise.all(
        task.groups.map((group) => directory.members(group, task.team, false)),
      );
      hand = { ...by, inGroup: members.some((each) => each.includes(by.id)) };
    } catch {
      return { ok: false, refusal: 'unchecked' satisfies TaskRefusal, task };
    }
    const result = await act(hand, task);
    engine.wake(task.runId);
    return result;
  }
}
