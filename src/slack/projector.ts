import { amount } from '../domain/budget.ts';
import type { RunEvent } from '../domain/events.ts';
import { shortId } from '../domain/ids.ts';
import { isTerminal, rootRun } from '../domain/run.ts';
import { withParts } from '../domain/run-parts.ts';
import { emptyRunView, fold, type RunView } from '../domain/run-view.ts';
import type { Lane, OutboxMessage } from '../ports/outbox.ts';
import type { Store } from '../ports/store.ts';
import { approvalMessages, postIn } from './approval-messages.ts';
import { endBlocks } from './builders/ending.ts';
import { epicBlocks } from './builders/epic.ts';
import { noticeBlocks } from './builders/notices.ts';
import { personTaskCard, personTaskGiven } from './builders/person-task.ts';
import { planBlocks } from './builders/plan.ts';
import { epicKey } from './epic-key.ts';
import { sentence } from './format.ts';
import type { Message } from './message.ts';
import { endView, epicView, planView, type Setting } from './run-views.ts';
import { streamWords } from './stream-words.ts';
import type { Notice } from './views.ts';

/** Events read at once; a run with more is caught up in several rounds. */
const PAGE = 500;
/** Views kept in memory; the rest are built again from their events when needed. */
const MAX_VIEWS = 200;

export interface ProjectorOptions {
  readonly store: Pick<Store, 'projections' | 'sessions' | 'approvals' | 'personTasks' | 'runs'>;
  readonly rehearsal: boolean;
  readonly now: () => number;
  /** Called when messages were queued. */
  readonly queued: () => void;
}

/**
 * Tells people what happens in runs: reads events, and queues the messages they lead to in one transaction with
 * the position reached. Killed anywhere, it goes on from that position, so nothing is told twice or never.
 */
export class SlackProjector {
  readonly #options: ProjectorOptions;
  readonly #views = new Map<string, RunView>();
  /** As far as they have come, whatever has been told of them: a run as its parts' news show it. */
  readonly #newest = new Map<string, RunView>();

  constructor(options: ProjectorOptions) {
    this.#options = options;
  }

  /**
   * Tells what is new in all runs that are behind, one in each turn of the event loop. Calls must not overlap.
   */
  async catchUp(): Promise<void> {
    for (const { runId, sessionId, projectedSeq } of await this.#options.store.projections.behind()) {
      await this.#project(runId, sessionId, projectedSeq);
    }
  }

  async #project(runId: string, sessionId: string, projectedSeq: number): Promise<void> {
    const { projections, sessions, approvals, personTasks } = this.#options.store;
    const view = await this.#viewAt(runId, projectedSeq);
    const found = await projections.events(runId, view.seq, PAGE + 1);
    const more = found.length > PAGE;
    const events = found.slice(0, PAGE);
    const last = events.at(-1);
    if (last === undefined) return;
    const session = await sessions.get(sessionId);
    if (session === null) return;
    const all = await approvals.ofRun(runId);
    const tasks = await personTasks.ofRun(runId);
    const setting: Setting = {
      session,
      rehearsal: this.#options.rehearsal,
      approvals: all,
      tasks,
      now: this.#options.now(),
    };
    const messages: OutboxMessage[] = [];
    for (const stored of events) {
      fold(view, stored);
      messages.push(...threadMessages(stored.event, stored.seq, view, setting));
    }
    // One epic per session: what is still to be told of an earlier run must not stand over the present one.
    if (!more && session.currentRunId === rootRun(runId))
      messages.unshift(...(await this.#epic(runId === session.currentRunId ? view : null, setting)));
    await projections.advance({
      runId,
      seq: last.seq,
      // A question is withdrawn after its run was stopped: until then its card still has buttons.
      done:
        isTerminal(view.status) &&
        !more &&
        ![...view.approvals.values()].some(({ open }) => open) &&
        view.tasks.size === 0,
      messages,
      now: setting.now,
    });
    if (isTerminal(view.status)) this.#views.delete(runId);
    this.#options.queued();
    if (more) await this.#project(runId, sessionId, last.seq);
  }

  /** The epic of the session's run with all its parts. @param view the run's own; null when a part has the news */
  async #epic(view: RunView | null, setting: Setting): Promise<OutboxMessage[]> {
    const { runs, approvals, personTasks } = this.#options.store;
    const root = setting.session.currentRunId;
    const ids = await runs.parts(root);
    const parts: RunView[] = [];
    for (const id of ids) parts.push(await this.#newestOf(id));
    const whole = withParts(view ?? (await this.#newestOf(root)), parts);
    const asked = await Promise.all([root, ...ids].map((id) => approvals.ofRun(id)));
    const tasks = await Promise.all([root, ...ids].map((id) => personTasks.ofRun(id)));
    return epicMessages(whole, { ...setting, approvals: asked.flat(), tasks: tasks.flat() });
  }

  async #newestOf(runId: string): Promise<RunView> {
    if (this.#newest.size >= MAX_VIEWS) this.#newest.clear();
    const view = this.#newest.get(runId) ?? emptyRunView(runId);
    this.#newest.set(runId, view);
    for (;;) {
      const events = await this.#options.store.projections.events(runId, view.seq, PAGE);
      for (const stored of events) fold(view, stored);
      if (events.length < PAGE) return view;
    }
  }

  /** The view after `seq`, from memory or from the events before it. */
  async #viewAt(runId: string, seq: number): Promise<RunView> {
    const known = this.#views.get(runId);
    if (known !== undefined && known.seq === seq) return known;
    const view = emptyRunView(runId);
    while (view.seq < seq) {
      const events = await this.#options.store.projections.events(runId, view.seq, PAGE);
      if (events.length === 0) break;
      for (const stored of events) if (stored.seq <= seq) fold(view, stored);
    }
    if (this.#views.size >= MAX_VIEWS) this.#views.clear();
    this.#views.set(runId, view);
    return view;
  }
}

/** The epic, posted once and then rewritten. Before there is a plan there is nothing to show but a refusal. */
function epicMessages(view: RunView, setting: Setting): OutboxMessage[] {
  const content = epicContent(view, setting);
  if (content === null) return [];
  const { session } = setting;
  const message = (kind: 'post' | 'update', lane: Lane): OutboxMessage => ({
    team: session.team,
    key: epicKey(session.id),
    kind,
    target: { kind: 'channel', channel: session.channel },
    lane,
    ...content,
  });
  return [message('post', 'approvals'), message('update', isTerminal(view.status) ? 'results' : 'progress')];
}

function epicContent(view: RunView, setting: Setting): Message | null {
  if (isTerminal(view.status)) return endBlocks(endView(view, setting));
  const plan = planView(view, setting);
  if (view.startedAt === null && view.status !== 'paused') return plan === null ? null : planBlocks(plan);
  return epicBlocks(epicView(view, setting));
}

function threadMessages(event: RunEvent, seq: number, view: RunView, setting: Setting): OutboxMessage[] {
  const { session, rehearsal } = setting;
  const post = postIn(session);
  // One lane for all of them, so that the thread reads in the order in which things happened.
  const note = (notice: Notice): OutboxMessage =>
    post(`event:${view.runId}:${seq}`, 'results', noticeBlocks(notice, rehearsal));

  switch (event.type) {
    case 'node.finished':
      if (event.agent === undefined) return [];
      return [note({ kind: 'note', text: `${event.agent}: ${event.summary}` })];
    case 'command.finished':
      // What agents run while they work is on the run's own record; the thread gets the workflow's own checks.
      if (view.nodes.get(event.node)?.kind !== 'command') return [];
      return [note({ ...event, kind: 'tests' })];
    case 'run.status':
      // Whoever paused it knows; the epic shows it to the others.
      if (
        event.status !== 'paused' ||
        event.failure === undefined ||
        event.failure.code === 'paused_by_person' ||
        // The question about it says more, and has the buttons.
        event.failure.class === 'budget'
      )
        return [];
      return [
        note({
          kind: 'note',
          text: `Paused: ${[event.failure.message, event.failure.hint ?? ''].filter(Boolean).map(sentence).join(' ')} The epic above has a Retry button.`,
        }),
      ];
    case 'result':
      return [
        note({
          kind: 'result',
          status: event.status,
          summary: event.summary,
          branch: event.branch,
        }),
      ];
    case 'note':
      return [note({ kind: 'note', text: event.text })];
    case 'budget.warned':
      return [note({ kind: 'note', text: warnedWords(event) })];
    case 'error.handled':
      // Trying again is seen in the epic; what changes the plan is worth a line.
      if (event.action === 'retry') return [];
      return [note({ kind: 'note', text: `${event.node}: ${handledWords[event.action]}. ${event.reason}` })];
    case 'adaptation.made':
      return [
        note({
          kind: 'note',
          text: `${event.node} changes how it goes on: ${event.what}, because ${event.reason}. \`/orchestrate undo ${shortId(view.runId)}\` takes it back at the next sync point.`,
        }),
      ];
    case 'adaptation.undone':
      return [note({ kind: 'note', text: `${event.node} goes on as before; taken back: ${event.what}.` })];
    case 'conflict.resolved': {
      const chosenBy = event.by === 'person' ? (event.who ?? null) : null;
      return [note({ kind: 'note', text: streamWords(event), chosenBy })];
    }
    case 'stream.meets':
    case 'sync.reached':
    case 'dependency.declared':
      return [note({ kind: 'note', text: streamWords(event) })];
    case 'vote.counted':
      return [note({ kind: 'note', text: voteWords(event) })];
    case 'person.asked':
    case 'person.given':
    case 'person.ended':
      return personMessages(event, seq, view, setting, post);
    case 'approval.requested':
    case 'approval.reminded':
    case 'approval.escalated':
    case 'approval.raised':
    case 'approval.called':
    case 'approval.voted':
    case 'approval.asked':
    case 'approval.broke_glass':
    case 'approval.closed':
    case 'approval.given_up':
    case 'approval.taken':
      return approvalMessages(event, seq, view, setting, post);
    default:
      return [];
  }
}

const handledWords = {
  failover: 'somebody else takes over',
  degrade: 'done in a simpler way',
  escalate: 'asking a person',
  skip: 'skipped',
} as const;

/** "80% of its budget is used: $4.05 of $5.00." */
function warnedWords({ unit, used, given }: Extract<RunEvent, { type: 'budget.warned' }>): string {
  return `${Math.floor((used / given) * 100)}% of its budget is used: ${amount(unit, used)} of ${amount(unit, given)}. When all of it is, it pauses and asks.`;
}

/** A vote with every ballot, as the thread tells of it. */
function voteWords(vote: Extract<RunEvent, { type: 'vote.counted' }>): string {
  const won = vote.winner ?? 'nobody won';
  const ballots = vote.ballots.map(
    ({ agent, weight, choice, reason }) =>
      `${agent}${vote.method === 'weighted' ? ` ${weight}` : ''}: ${choice ?? 'abstained'} (${reason})`,
  );
  return `Vote on "${vote.question}" (${vote.method}, needs ${Math.round(vote.threshold * 100)}%): ${won}, ${Math.round(vote.share * 100)}%\n${ballots.join('\n')}`;
}

/** The card of a task for a person; given to another, that one is called by a line of its own. */
function personMessages(
  event: Extract<RunEvent, { type: `person.${string}` }>,
  seq: number,
  view: RunView,
  setting: Setting,
  post: (key: string, lane: Lane, content: Message) => OutboxMessage,
): OutboxMessage[] {
  const task = setting.tasks.find(({ id }) => id === event.taskId);
  if (task === undefined) return [];
  const { session, rehearsal } = setting;
  const shown = { task, epicTitle: view.plan?.title ?? session.request, rehearsal };
  const key = `task:${task.id}`;
  const card = post(key, 'approvals', personTaskCard(shown));
  switch (event.type) {
    case 'person.asked':
      return [card];
    case 'person.given':
      return [
        { ...card, kind: 'update' },
        post(`${key}:given:${seq}`, 'approvals', personTaskGiven(shown, event, event.why)),
      ];
    case 'person.ended':
      return [{ ...card, kind: 'update' }];
    default:
      return event satisfies never;
  }
}
