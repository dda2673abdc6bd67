import type { Message, Snapshot, Stats } from '../../desk/contract.ts';
import type { Kept, Repository, StoredEvent } from './evidence.ts';
import { buttonsOf, isReply, type PersonReport } from './person.ts';

/** What an undisturbed run leaves behind: every other run of the same request must leave the same. */
export interface Expected {
  readonly tree: string;
  readonly commits: number;
  /** The thread's messages without what differs from run to run, sorted. */
  readonly thread: readonly string[];
  /** Events by what they tell. Those of attempts are left out: a kill repeats attempts. */
  readonly events: Readonly<Record<string, number>>;
  /** Milliseconds from the command to the run's end, and to the last message in the thread. */
  readonly endMs: number;
  readonly toldMs: number;
}

/** All that can be seen after a round. */
export interface Evidence {
  readonly kept: Kept;
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  readonly stats: Stats;
  readonly person: PersonReport;
}

/** Telling of attempts and parking rather than of outcomes. */
const OF_ATTEMPTS = new Set(['step.started', 'step.failed', 'timer.set']);
/** Each run's decisions: kind, and what was chosen. */
const DECISIONS = ['approval approve', 'plan start', 'workflow feature'];

/** What is wrong; empty when nothing is. */
export function problemsOf(evidence: Evidence, runs: number, expected: Expected | null): string[] {
  const { kept, repository, snapshot, stats, person } = evidence;
  const found: string[] = [...person.problems];
  const check = (holds: boolean, problem: () => string): void => {
    if (!holds) found.push(problem());
  };
  check(kept.sessions.length === runs, () => `${kept.sessions.length} epics were started, not ${runs}`);
  check(kept.runs.length === runs, () => `${kept.runs.length} runs were started, not ${runs}`);
  for (const { id, session_id: session } of kept.runs)
    found.push(...problemsOfRun(evidence, id, session ?? '', expected));
  check(kept.integrity === 'ok', () => `The database is damaged: ${kept.integrity}`);
  check(kept.timers.length === 0, () => `Timers are left: ${kept.timers.map(({ key }) => key).join(', ')}`);
  const stuck = kept.outbox.filter(({ status }) => status !== 'sent' && status !== 'dropped');
  check(
    stuck.length === 0,
    () =>
      `Messages are stuck: ${stuck.map(({ key, kind, status, error }) => `${kind} ${key} ${status} ${error ?? ''}`).join('; ')}`,
  );
  const open = kept.deliveries.filter((row) => row.handled_at === null || row.error !== null);
  check(
    open.length === 0,
    () =>
      `Deliveries were not handled: ${open.map(({ kind, error }) => `${kind} ${error ?? ''}`).join('; ')}`,
  );
  check(stats.doubledPosts === 0, () => `The desk counts ${stats.doubledPosts} doubled posts`);
  check(
    repository.branches.length === runs,
    () =>
      `There are ${repository.branches.length} branches: ${repository.branches.map(({ name }) => name).join(', ')}`,
  );
  check(repository.worktrees === 1, () => `${repository.worktrees - 1} worktrees are left in the repository`);
  check(repository.folders.length === 0, () => `Folders are left: ${repository.folders.join(', ')}`);
  check(
    repository.locks.length === 0,
    () => `Lock files are left in the repository: ${repository.locks.join(', ')}`,
  );
  check(repository.checkout === '', () => `The user's checkout was changed: ${repository.checkout}`);
  if (expected !== null) {
    for (const { name, tree, commits } of repository.branches) {
      check(tree === expected.tree, () => `${name} holds the tree ${tree}, not ${expected.tree}`);
      check(commits === expected.commits, () => `${name} has ${commits} commits, not ${expected.commits}`);
    }
  }
  found.push(...problemsOfPlaces(kept, snapshot));
  // What can be done again after the end (run again, save the plan) is meant to stay.
  const live = snapshot.messages
    .flatMap(buttonsOf)
    .filter(({ actionId }) =>
      /^(plan_(?!save)|approval_|run_stop|run_retry|run_pause|run_resume|run_steer)/.test(actionId),
    );
  check(
    live.length === 0,
    () => `Buttons are left that nobody should press: ${live.map(({ actionId }) => actionId).join(', ')}`,
  );
  return found;
}

function problemsOfRun(
  { kept, snapshot, person }: Evidence,
  runId: string,
  sessionId: string,
  expected: Expected | null,
): string[] {
  const found: string[] = [];
  const check = (holds: boolean, problem: () => string): void => {
    if (!holds) found.push(`${runId}: ${problem()}`);
  };
  const of = <T extends { readonly run_id: string }>(rows: readonly T[]): T[] =>
    rows.filter(({ run_id: id }) => id === runId);
  const run = kept.runs.find(({ id }) => id === runId);
  const events = of(kept.events);
  check(run?.status === 'completed', () => `ended as ${run?.status ?? 'nothing'}`);
  check(run?.projection_done === 1, () => 'its end was not told');
  const gap = events.findIndex(({ seq }, index) => seq !== index + 1);
  check(gap < 0, () => `event ${gap + 1} is missing or doubled`);

  const decisions = of(kept.decisions).map(({ kind, choice }) => `${kind} ${choice}`);
  const retries = decisions.filter((each) => each === 'retry retry').length;
  const others = decisions.filter((each) => each !== 'retry retry').sort();
  check(others.join() === DECISIONS.join(), () => `its decisions are ${others.join(', ')}`);
  check(
    retries === 0 || retries <= (person.taken['run_retry'] ?? 0),
    () => `${retries} retries were decided that nobody asked for`,
  );
  const decided = events.filter(({ type }) => type === 'decision.made').length;
  check(decided === decisions.length, () => `${decided} events tell of ${decisions.length} decisions`);

  const approvals = of(kept.approvals);
  check(
    approvals.length === 1 && approvals[0]?.status === 'taken',
    () => `its approvals are ${approvals.map(({ status }) => status).join(', ')}`,
  );
  const left = of(kept.signals).filter((signal) => signal.consumed_by === null);
  check(left.length === 0, () => `signals were not consumed: ${left.map(({ name }) => name).join(', ')}`);
  found.push(...problemsOfSteps(runId, of(kept.steps), events, of(kept.usage)));

  const epic = kept.messages.find(({ key }) => key === `epic:${sessionId}`);
  const shown = snapshot.messages.find(({ channel, ts }) => channel === epic?.channel && ts === epic?.ts);
  check(
    /done in/.test(shown?.text ?? ''),
    () => `its epic says ${JSON.stringify(shown?.text.split('\n')[0] ?? 'nothing')}`,
  );
  if (expected === null) return found;
  const told = threadOf(snapshot, shown);
  for (const [text, times, wanted] of difference(tally(told), tally(expected.thread))) {
    found.push(`${runId}: told ${times} times instead of ${wanted}: ${JSON.stringify(text.slice(0, 120))}`);
  }
  if (retries > 0) return found;
  for (const [what, times, wanted] of difference(outcomesOf(events), expected.events)) {
    found.push(`${runId}: recorded ${times} times instead of ${wanted}: ${what}`);
  }
  return found;
}

/** Each step that ended was recorded once, at its place among the events, and paid for once. */
function problemsOfSteps(
  runId: string,
  steps: Kept['steps'],
  events: readonly StoredEvent[],
  usage: Kept['usage'],
): string[] {
  const found: string[] = [];
  const completed = tally(
    events.filter(({ type }) => type === 'step.completed').map(({ data }) => String(data['key'])),
  );
  const paid = tally(usage.map(({ key }) => key));
  for (const [key, times] of Object.entries(completed))
    if (times !== 1) found.push(`${runId}: ${key} was completed ${times} times`);
  for (const [key, times] of Object.entries(paid))
    if (times !== 1) found.push(`${runId}: ${key} was paid for ${times} times`);
  for (const step of steps) {
    const place = events.find(({ seq }) => seq === step.settled_seq);
    if (step.status === 'done' && place?.data['key'] !== step.key)
      found.push(`${runId}: ${step.key} has no event at its place`);
  }
  const known = new Set(steps.map(({ key }) => key));
  for (const key of Object.keys(completed))
    if (!known.has(key)) found.push(`${runId}: the outcome of ${key} was not kept`);
  return found;
}

/** Each of the bot's messages is one that Baton knows of, and the other way round. */
function problemsOfPlaces(kept: Kept, snapshot: Snapshot): string[] {
  const ours = snapshot.messages.filter(
    ({ user, ephemeralFor, deleted }) => user === snapshot.app.botUser && ephemeralFor === null && !deleted,
  );
  const shown = new Set(ours.map(({ channel, ts }) => `${channel} ${ts}`));
  const known = new Map(kept.messages.map(({ channel, ts, key }) => [`${channel} ${ts}`, key]));
  const strangers = ours.filter(({ channel, ts }) => !known.has(`${channel} ${ts}`));
  const lost = [...known].filter(([place]) => !shown.has(place));
  const posts = kept.outbox.filter(({ kind, status }) => kind === 'post' && status === 'sent').length;
  return [
    ...strangers.map(
      ({ text }) => `A post that Baton does not know of: ${JSON.stringify(text.slice(0, 80))}`,
    ),
    ...lost.map(([, key]) => `A message that is not there: ${key}`),
    ...(posts === known.size ? [] : [`${posts} posts were sent and ${known.size} messages are known`]),
  ];
}

/** The replies under an epic, without what differs from run to run. */
export function threadOf(snapshot: Snapshot, epic: Message | undefined): string[] {
  return snapshot.messages
    .filter(
      (message) => isReply(message) && message.channel === epic?.channel && message.threadTs === epic?.ts,
    )
    .filter(({ user, ephemeralFor }) => user === snapshot.app.botUser && ephemeralFor === null)
    .map(({ text }) => settled(text))
    .sort();
}

/** Times, digests and ids go; words and whole numbers stay. */
function settled(text: string): string {
  return (
    text
      .replace(/baton\/[\w-]+/g, 'BRANCH')
      .replace(/<@\w+>/g, 'PERSON')
      .replace(/<!date[^>]*>/g, 'TIME')
      .replace(/seen: [0-9a-f]+…[0-9a-f]+/g, 'DIGEST')
      // The head of the audit covers times, too.
      .replace(/Audit [0-9a-f]{8}/g, 'AUDIT')
      .replace(/duration_ms:? [\d.]+/g, 'DURATION')
  );
}

/** How often each outcome was recorded. */
export function outcomesOf(events: readonly StoredEvent[]): Record<string, number> {
  return tally(events.filter(({ type }) => !OF_ATTEMPTS.has(type)).flatMap(outcomeOf));
}

function outcomeOf({ type, data }: StoredEvent): string[] {
  // How often a run was parked and woken is nobody's business.
  if (type === 'run.status') return data['status'] === 'completed' ? ['run completed'] : [];
  // No trees: what a snapshot of one branch of a parallel block holds of the other depends on who was faster.
  const parts = ['key', 'node', 'agent', 'status', 'quality', 'passed', 'failed', 'exitCode'];
  const told = parts
    .filter((part) => data[part] !== undefined && data[part] !== null)
    .map((part) => `${part} ${String(data[part])}`);
  return [[type, ...told].join(' ')];
}

function tally(all: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of all) counts[each] = (counts[each] ?? 0) + 1;
  return counts;
}

function difference(
  have: Readonly<Record<string, number>>,
  want: Readonly<Record<string, number>>,
): [string, number, number][] {
  const all = [...new Set([...Object.keys(have), ...Object.keys(want)])];
  return all
    .map((each): [string, number, number] => [each, have[each] ?? 0, want[each] ?? 0])
    .filter(([, has, wants]) => has !== wants);
}
