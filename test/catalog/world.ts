import { createServer } from 'node:http';
import { expect } from 'vitest';
import type { Core } from '../../src/compose/core.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import type { Json } from '../../src/domain/json.ts';
import type { PeopleSettings } from '../../src/domain/person-task.ts';
import { isTerminal } from '../../src/domain/run.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { coreAt, openPlace, shippedCasts, startRun } from '../support/core.ts';
import { member } from '../support/directory.ts';

type Of<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

/** Waits of so many milliseconds are not waited for: those between tries, and not an agent's time to work. */
const SKIPPED_MS = { from: 500, to: 20_000 } as const;

/** The machine's time, moved on wherever it would only be waited for. */
export class HurriedClock implements Clock {
  #ahead = 0;
  now(): number {
    return Date.now() + this.#ahead;
  }
  monotonic(): number {
    return performance.now() + this.#ahead;
  }
  skip(ms: number): void {
    this.#ahead += ms;
  }
  after(ms: number, fire: () => void): () => void {
    const hurried = ms >= SKIPPED_MS.from && ms <= SKIPPED_MS.to;
    const due = this.now() + ms;
    const timer = setTimeout(
      () => {
        if (hurried) this.skip(Math.max(0, due - this.now()));
        fire();
      },
      hurried ? 1 : ms,
    );
    return () => clearTimeout(timer);
  }
}

export interface WorldOptions {
  /** Lines played before those of the cast that ships: the text of a cast file. */
  readonly cast?: string;
  readonly cpuUsage?: () => number;
  readonly people?: PeopleSettings;
  /** Whether the model's server breaks down over a question, told by its text. */
  readonly breaksOver?: (question: string) => boolean;
  readonly clock?: HurriedClock;
}

export interface Rehearsal {
  readonly request?: string;
  /** What people say to each question in turn: null approves, words ask for changes. After the last, all is approved. */
  readonly answers?: readonly (string | null)[];
  /** What people hand in for each task in turn; after the last, that it works. */
  readonly handedIn?: readonly Json[];
  /** The status it has to end with. */
  readonly ends?: 'completed' | 'failed';
}

/** A run that has ended: its events and those of the runs that are parts of it. */
export class Played {
  readonly runId: string;
  readonly events: readonly RunEvent[];
  /** Events of the parts, run by run, oldest first. */
  readonly parts: readonly (readonly RunEvent[])[];
  /** The titles of what people were asked, in order. */
  readonly asked: readonly string[];

  constructor(
    runId: string,
    events: readonly RunEvent[],
    parts: readonly (readonly RunEvent[])[],
    asked: readonly string[],
  ) {
    this.runId = runId;
    this.events = events;
    this.parts = parts;
    this.asked = asked;
  }

  /** The lines of nodes that began, in order. */
  get begun(): string[] {
    return begunIn(this.events);
  }

  of<T extends RunEvent['type']>(type: T): Of<T>[] {
    return [...this.events, ...this.parts.flat()].filter((event): event is Of<T> => event.type === type);
  }

  /** Who did what at each line that an agent worked at. */
  get who(): ReadonlyMap<string, string> {
    return new Map(
      this.of('node.started').flatMap(({ node, agent }): [string, string][] =>
        agent === undefined ? [] : [[node, agent]],
      ),
    );
  }
}

export function begunIn(events: readonly RunEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'node.started' ? [event.node] : []));
}

/** Stages in order; those in one list begin together, in any order. */
export type Stages = readonly (string | readonly string[])[];

export function expectStages(begun: readonly string[], stages: Stages): void {
  const left = [...begun];
  const seen = stages.map((stage) =>
    typeof stage === 'string' ? (left.shift() ?? '') : left.splice(0, stage.length).sort(),
  );
  expect([...seen, ...left]).toEqual(
    stages.map((stage) => (typeof stage === 'string' ? stage : [...stage].sort())),
  );
}

/** Each of these begins before the next. */
export function expectOrder(begun: readonly string[], ...order: readonly string[]): void {
  expect(begun).toEqual(expect.arrayContaining([...order]));
  expect(begun.filter((line, at) => order.includes(line) && begun.indexOf(line) === at)).toEqual(order);
}

/** What ships, in rehearsal: real engine, real git, real tools, scripted words. */
export class CatalogWorld {
  readonly core: Core;
  readonly #close: () => Promise<void>;
  #count = 0;
  readonly #plain = new Map<string, Promise<Played>>();

  constructor(core: Core, close: () => Promise<void>) {
    this.core = core;
    this.#close = close;
  }

  /** The workflow as the cast that ships plays it, every question answered with yes; run once, however often asked for. */
  plainly(workflow: string): Promise<Played> {
    const known = this.#plain.get(workflow) ?? this.rehearse(workflow);
    this.#plain.set(workflow, known);
    return known;
  }

  /** Runs a workflow to its end, answering every question, and gives back all that happened. */
  async rehearse(workflow: string, how: Rehearsal = {}): Promise<Played> {
    const { request = 'Say hello on the page', ends = 'completed' } = how;
    const answers = [...(how.answers ?? [])];
    this.#count += 1;
    const runId = await startRun(this.core, workflow, `${workflow}-${this.#count}`, request);
    const asked: string[] = [];
    const handedIn = [...(how.handedIn ?? [])];
    const decided = new Set<string>();
    for (;;) {
      const next = Promise.withResolvers<void>();
      const off = this.core.engine.onCommit(() => next.resolve());
      const answer = await this.core.queries.byRun(runId);
      const open =
        answer?.approvals.filter(({ id, status }) => status === 'pending' && !decided.has(id)) ?? [];
      for (const approval of open) {
        decided.add(approval.id);
        asked.push(approval.subject.title);
        await this.#decide(approval.nonce, answers.shift() ?? null);
      }
      const tasks = answer?.tasks.filter(({ id, status }) => status === 'open' && !decided.has(id)) ?? [];
      for (const { id, nonce, task, assignee } of tasks) {
        decided.add(id);
        asked.push(task);
        const about = { nonce, intent: `done ${id}`, by: member(assignee, 'T') };
        await this.core.persons.finish(about, handedIn.shift() ?? { works: true }, 'tried');
      }
      const status = answer?.view.status ?? 'queued';
      if (open.length + tasks.length === 0 && (isTerminal(status) || status === 'paused')) {
        off();
        const events = await this.#eventsOf(runId);
        const failures = events.flatMap((event) =>
          event.type === 'run.status' ? (event.failure ?? []) : [],
        );
        expect([status, ends === 'failed' ? [] : failures]).toEqual([ends, []]);
        const parts = await this.core.store.runs.parts(runId);
        return new Played(runId, events, await Promise.all(parts.map((id) => this.#eventsOf(id))), asked);
      }
      if (open.length + tasks.length === 0) await next.promise;
      off();
    }
  }

  /** Publishes an event from outside. */
  async publish(name: string, payload: { readonly [key: string]: string }): Promise<void> {
    this.#count += 1;
    const key = `outside-${this.#count}`;
    await this.core.events.publish({
      keys: [key],
      name,
      payload,
      sourceKind: 'hook',
      source: 'test',
      runId: null,
      at: Date.now(),
    });
  }

  close(): Promise<void> {
    return this.#close();
  }

  async #decide(nonce: string, words: string | null): Promise<void> {
    const said = { nonce, by: member('V', 'T'), place: 'test' };
    await this.core.orchestrator.approvals.decide(
      said,
      words === null ? 'approve' : 'request_changes',
      words,
    );
  }

  async #eventsOf(runId: string): Promise<RunEvent[]> {
    const stored = await this.core.store.projections.events(runId, 0, 10_000);
    return stored.map(({ event }) => event);
  }
}

export async function openCatalog(options: WorldOptions = {}): Promise<CatalogWorld> {
  const own = options.cast === undefined ? [] : [options.cast];
  const place = await openPlace(...own, ...(await shippedCasts()));
  const model = options.breaksOver === undefined ? null : await fragile(place.url, options.breaksOver);
  const core = await coreAt(
    { ...place, url: model?.url ?? place.url },
    {
      clock: options.clock ?? new HurriedClock(),
      policy: readPolicy({ remind_after: '1000s', escalate_after: '2000s', expire_after: '3000s' }, {}),
      ...(options.people === undefined ? {} : { people: options.people }),
      ...(options.cpuUsage === undefined ? {} : { cpuUsage: options.cpuUsage }),
    },
  );
  core.engine.recover();
  return new CatalogWorld(core, async () => {
    await core.stop();
    await model?.close();
    await place.close();
  });
}

/** A model's server before the cast that answers some questions with 503. */
async function fragile(castUrl: string, breaksOver: (question: string) => boolean) {
  const server = createServer((request, answer) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece) => pieces.push(Buffer.from(piece)));
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString('utf8');
      if (breaksOver(body)) return answer.writeHead(503).end('{"error":{"message":"broken"}}');
      return void fetch(new URL(request.url ?? '/', castUrl), {
        method: request.method ?? 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }).then(async (reply) => {
        const type = reply.headers.get('content-type') ?? 'application/json';
        answer.writeHead(reply.status, { 'content-type': type }).end(await reply.text());
      });
    });
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', () => listening.resolve());
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
