import type { Approval } from '../domain/approval.ts';
import { withParts } from '../domain/run-parts.ts';
import { emptyRunView, fold, type RunView } from '../domain/run-view.ts';
import type { Decision, Session, Store } from '../ports/store.ts';

/** Runs a list goes through; each is folded from its events. */
const MOST_LISTED = 10;
const PAGE = 1_000;

/** Who asks, and where. */
export interface Asking {
  readonly team: string;
  readonly user: string;
  readonly channel: string;
}

export interface RunAnswer {
  readonly session: Session;
  readonly view: RunView;
  readonly approvals: readonly Approval[];
  readonly decisions: readonly Decision[];
}

/** Views kept between questions: asking about many runs must cost what is new, not what is old. */
const MAX_VIEWS = 200;

/** What people can ask about; reads only. */
export class Queries {
  readonly #store: Store;
  readonly #views = new Map<string, RunView>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The newest sessions that somebody in a channel may know of: that channel's, and their own anywhere. */
  async recent(asking: Asking): Promise<RunAnswer[]> {
    const sessions = await this.#store.sessions.recent(asking.team, MOST_LISTED, { visibleTo: asking });
    return Promise.all(sessions.map((session) => this.#answer(session)));
  }

  /** The newest whose run has not ended, however many have ended since. */
  async underWay(asking: Asking): Promise<RunAnswer[]> {
    const sessions = await this.#store.sessions.recent(asking.team, MOST_LISTED, {
      open: true,
      visibleTo: asking,
    });
    return Promise.all(sessions.map((session) => this.#answer(session)));
  }

  /** The session an id (or its end) names; without one, the newest of this person. */
  async find(asking: Asking, id: string): Promise<RunAnswer | null> {
    const { sessions } = this.#store;
    const { team, user, channel } = asking;
    const found =
      id === '' ? await sessions.recent(team, 1, { requester: user }) : await sessions.find(team, id);
    // What was asked for elsewhere, by somebody else, is not told of: its channel may be private.
    const session = found.find((each) => each.requester === user || each.channel === channel);
    return session === undefined ? null : this.#answer(session);
  }

  async byRun(runId: string): Promise<RunAnswer | null> {
    const session = await this.#store.sessions.byRun(runId);
    return session === null ? null : this.#answer(session, runId);
  }

  async bySession(sessionId: string): Promise<RunAnswer | null> {
    const session = await this.#store.sessions.get(sessionId);
    return session === null ? null : this.#answer(session);
  }

  async #answer(session: Session, runId = session.currentRunId): Promise<RunAnswer> {
    const parts = await this.#store.runs.parts(runId);
    const views: RunView[] = [];
    for (const id of parts) views.push(await this.#viewOf(id));
    const view = withParts(await this.#viewOf(runId), views);
    const [approvals, decisions] = await Promise.all([
      Promise.all([runId, ...parts].map((id) => this.#store.approvals.ofRun(id))),
      Promise.all([runId, ...parts].map((id) => this.#store.decisions.ofRun(id))),
    ]);
    return { session, view, approvals: approvals.flat(), decisions: decisions.flat() };
  }

  /** Brought up to date by the events since the last question. */
  async #viewOf(runId: string): Promise<RunView> {
    const view = this.#views.get(runId) ?? emptyRunView(runId);
    // The one asked about last goes to the end, so that the first is the one to forget.
    this.#views.delete(runId);
    this.#views.set(runId, view);
    const [oldest] = this.#views.keys();
    if (this.#views.size > MAX_VIEWS && oldest !== undefined) this.#views.delete(oldest);
    for (;;) {
      const events = await this.#store.projections.events(runId, view.seq, PAGE);
      for (const event of events) fold(view, event);
      if (events.length < PAGE) return view;
    }
  }
}
