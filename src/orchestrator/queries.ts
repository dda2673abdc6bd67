import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Approval } from '../domain/approval.ts';
import type { PersonTask } from '../domain/person-task.ts';
import { withParts } from '../domain/run-parts.ts';
import { emptyRunView, fold, type RunView } from '../domain/run-view.ts';
import type { Decision } from '../ports/decisions.ts';
import type { Session, Store } from '../ports/store.ts';

/** Runs a list goes through; each is folded from its events. */
const MOST_LISTED = 10;
/** Events folded in one turn of the event loop: some milliseconds. */
const PAGE = 250;
/** Sessions looked through for one person's overview. */
const MOST_SEEN = 50;
/** Newest sessions looked through for ended ones, and how many of a person's own are shown. */
const MOST_ENDED = 20;
const ENDED_SHOWN = 5;

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
  /** What people were asked to do, oldest first. */
  readonly tasks: readonly PersonTask[];
}

/** One person's overview. */
export interface Concerns {
  readonly waiting: readonly { readonly run: RunAnswer; readonly approval: Approval }[];
  /** Tasks that are theirs to do. */
  readonly tasks: readonly { readonly run: RunAnswer; readonly task: PersonTask }[];
  readonly mine: readonly RunAnswer[];
  readonly team: readonly RunAnswer[];
  /** This person's runs that have ended, the newest first. */
  readonly ended: readonly RunAnswer[];
}

/** Views kept between questions: asking about many runs must cost what is new, not what is old. */
const MAX_VIEWS = 200;

/** What people can ask about; reads only. */
export class Queries {
  readonly #store: Store;
  readonly #sees: (session: Session, user: string) => Promise<boolean>;
  readonly #views = new Map<string, RunView>();

  /** @param sees whether somebody may look at a session; everybody may unless given */
  constructor(store: Store, sees: (session: Session, user: string) => Promise<boolean> = async () => true) {
    this.#store = store;
    this.#sees = sees;
  }

  async #seen(sessions: readonly Session[], user: string): Promise<Session[]> {
    const seen: Session[] = [];
    for (const session of sessions) if (await this.#sees(session, user)) seen.push(session);
    return seen;
  }

  /** The newest sessions that somebody in a channel may know of: that channel's, and their own anywhere. */
  async recent(asking: Asking): Promise<RunAnswer[]> {
    const sessions = await this.#store.sessions.recent(asking.team, MOST_LISTED, { visibleTo: asking });
    return this.#answers(await this.#seen(sessions, asking.user));
  }

  /** The newest whose run has not ended, however many have ended since. */
  async underWay(asking: Asking): Promise<RunAnswer[]> {
    const sessions = await this.#store.sessions.recent(asking.team, MOST_LISTED, {
      open: true,
      visibleTo: asking,
    });
    return this.#answers(await this.#seen(sessions, asking.user));
  }

  /** The session an id (or its end) names; without one, the newest of this person. */
  async find(asking: Asking, id: string): Promise<RunAnswer | null> {
    const { sessions } = this.#store;
    const { team, user, channel } = asking;
    const found =
      id === '' ? await sessions.recent(team, 1, { requester: user }) : await sessions.find(team, id);
    // What was asked for elsewhere, by somebody else, is not told of: its channel may be private.
    const near = found.filter((each) => each.requester === user || each.channel === channel);
    const [session] = await this.#seen(near, user);
    return session === undefined ? null : this.#answer(session);
  }

  /**
   * What concerns one person in a workspace: questions they may decide, their runs under way, and those of channels in
   * which they have asked for something themselves: of other channels nobody knows whether they may see them.
   */
  async concerning(team: string, user: string): Promise<Concerns> {
    const { sessions } = this.#store;
    const theirs = await sessions.recent(team, MOST_SEEN, { requester: user });
    const channels = new Set(theirs.map(({ channel }) => channel));
    const open = await this.#seen(await sessions.recent(team, MOST_SEEN, { open: true }), user);
    const answers = await this.#answers(open);
    // An ended run can wait for an answer, too: whether it is taken back.
    const openIds = new Set(open.map(({ id }) => id));
    const over = (await this.#seen(await sessions.recent(team, MOST_ENDED), user)).filter(
      ({ id }) => !openIds.has(id),
    );
    const lately = await this.#answers(over);
    const known = answers.filter(({ session }) => channels.has(session.channel));
    const mayDecide = ({ session }: RunAnswer, { policy, requester, status }: Approval): boolean =>
      status === 'pending' &&
      !(policy.fourEyes && requester === user) &&
      (policy.people.includes(user) || (policy.people.length === 0 && channels.has(session.channel)));
    return {
      waiting: [...answers, ...lately].flatMap((run) =>
        run.approvals.filter((approval) => mayDecide(run, approval)).map((approval) => ({ run, approval })),
      ),
      tasks: answers.flatMap((run) =>
        run.tasks
          .filter(({ status, assignee }) => status === 'open' && assignee === user)
          .map((task) => ({ run, task })),
      ),
      mine: answers.filter(({ session }) => session.requester === user),
      team: known.filter(({ session }) => session.requester !== user),
      ended: lately.filter(({ session }) => session.requester === user).slice(0, ENDED_SHOWN),
    };
  }

  /** Tasks under way in a workspace, by agent; of whose runs, nobody is told. */
  async busyAgents(team: string): Promise<ReadonlyMap<string, number>> {
    const busy = new Map<string, number>();
    for (const session of await this.#store.sessions.recent(team, MAX_VIEWS, { open: true })) {
      const view = await this.#viewOf(session.currentRunId);
      for (const { agent, status } of view.nodes.values())
        if (agent !== null && status === 'running') busy.set(agent, (busy.get(agent) ?? 0) + 1);
    }
    return busy;
  }

  async byRun(runId: string): Promise<RunAnswer | null> {
    const session = await this.#store.sessions.byRun(runId);
    return session === null ? null : this.#answer(session, runId);
  }

  async bySession(sessionId: string): Promise<RunAnswer | null> {
    const session = await this.#store.sessions.get(sessionId);
    return session === null ? null : this.#answer(session);
  }

  /** Each in a turn of the event loop of its own, so that nobody waits for somebody else's long list. */
  async #answers(sessions: readonly Session[]): Promise<RunAnswer[]> {
    const answers: RunAnswer[] = [];
    for (const session of sessions) {
      answers.push(await this.#answer(session));
      await nextTurn();
    }
    return answers;
  }

  async #answer(session: Session, runId = session.currentRunId): Promise<RunAnswer> {
    const parts = await this.#store.runs.parts(runId);
    const views: RunView[] = [];
    for (const id of parts) views.push(await this.#viewOf(id));
    const view = withParts(await this.#viewOf(runId), views);
    const [approvals, decisions, tasks] = await Promise.all([
      Promise.all([runId, ...parts].map((id) => this.#store.approvals.ofRun(id))),
      Promise.all([runId, ...parts].map((id) => this.#store.decisions.ofRun(id))),
      Promise.all([runId, ...parts].map((id) => this.#store.personTasks.ofRun(id))),
    ]);
    return { session, view, approvals: approvals.flat(), decisions: decisions.flat(), tasks: tasks.flat() };
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
      await nextTurn();
    }
  }
}
