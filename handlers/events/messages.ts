import type { App } from '@slack/bolt';
import { z } from 'zod';
import type { Steered } from '../../src/orchestrator/steering.ts';
import { answerBlocks } from '../../src/slack/builders/answers.ts';
import { rollbackBlocks } from '../../src/slack/builders/rollback-form.ts';
import { lookRefusalWords, startRefusalWords } from '../../src/slack/control-words.ts';
import { epicKey } from '../../src/slack/epic-key.ts';
import { handOverWords } from '../../src/slack/hand-over-words.ts';
import { nothingDone, progressWords } from '../../src/slack/steering-words.ts';
import { taskRefusalWords } from '../../src/slack/task-words.ts';
import { teamKey } from '../../src/slack/team.ts';
import { mk, unescapeMarkup } from '../../src/slack/text.ts';
import type { HandlerDeps } from '../deps.ts';
import { tellRefused } from '../refused.ts';
import { decideByWord, mayBeDecision, refuseEdited } from '../typed.ts';

const bodySchema = z.object({
  team_id: z.string(),
  enterprise_id: z.string().nullish(),
  event: z.object({
    user: z.string().optional(),
    bot_id: z.string().optional(),
    subtype: z.string().optional(),
    text: z.string().default(''),
    channel: z.string(),
    ts: z.string(),
    thread_ts: z.string().optional(),
  }),
});
/** A message that its author changed afterwards. */
const changedSchema = bodySchema.extend({
  event: z.object({
    subtype: z.literal('message_changed'),
    channel: z.string(),
    ts: z.string(),
    message: bodySchema.shape.event.omit({ channel: true }),
    previous_message: z.object({ text: z.string().default('') }).optional(),
  }),
});
const keptSchema = z.object({
  team: z.string(),
  homeTeam: z.string(),
  user: z.string(),
  channel: z.string(),
  ts: z.string(),
  text: z.string(),
  mentioned: z.boolean(),
  sessionId: z.string().nullable(),
  /** Absent in what was kept by versions in which nobody decided by a word. */
  parent: z.string().nullable().default(null),
});
type Kept = z.infer<typeof keptSchema>;

/**
 * What people write: a mention anywhere, and replies in the threads of epics. Of other messages nothing is kept. Slack
 * tells of a mention twice, as a mention and as a message: both are the same intent.
 */
export function registerMessages(app: App, deps: HandlerDeps): void {
  const mentionIn = (team: string): string => `<@${deps.botUser(team) ?? 'nobody'}>`;
  const written = (text: string, team: string): string =>
    unescapeMarkup(text.replaceAll(mentionIn(team), ' ')).trim();
  const take = async (body: unknown): Promise<void> => {
    const { event, team_id: homeTeam, enterprise_id: enterprise } = bodySchema.parse(body);
    const { user, bot_id: bot, subtype, channel, ts, thread_ts: parent } = event;
    if (user === undefined || bot !== undefined) return;
    if (subtype !== undefined && subtype !== 'thread_broadcast') return;
    const team = teamKey(enterprise, homeTeam);
    const ours = deps.botUser(team);
    // It names a workspace that is not the one it was let in for.
    if (ours === null) {
      const about = { team, user, place: channel, what: 'said', value: '', why: 'other_team' };
      return deps.audit.turnedAway(about, deps.now());
    }
    if (user === ours) return;
    const mentioned = event.text.includes(mentionIn(team));
    const sessionId = parent === undefined ? null : await deps.sessionAt(team, channel, parent);
    const text = written(event.text, team);
    const place = { team, text, channel, parent: parent ?? null, sessionId };
    const isAboutRun = isDirect(channel) && RUN_NAME.test(text);
    if (!mentioned && sessionId === null && !isAboutRun && !(await mayBeDecision(place, deps))) return;
    const kept: Kept = { ...place, homeTeam, user, ts, mentioned };
    await deps.worker.accept(`said:${team}:${channel}:${ts}`, 'said', kept);
  };
  /** Only what was changed into a decision is kept: whoever tried is told that it counts for nothing. */
  const takeChanged = async (body: unknown): Promise<void> => {
    const changed = changedSchema.safeParse(body).data;
    if (changed === undefined) return;
    const { event, team_id: homeTeam, enterprise_id: enterprise } = changed;
    const { channel, message, previous_message: before } = event;
    const { user, bot_id: bot, ts, thread_ts: parent } = message;
    if (user === undefined || bot !== undefined || before?.text === message.text) return;
    const team = teamKey(enterprise, homeTeam);
    if (user === deps.botUser(team)) return;
    const sessionId = parent === undefined ? null : await deps.sessionAt(team, channel, parent);
    const place = { team, text: written(message.text, team), channel, parent: parent ?? null, sessionId };
    if (!(await mayBeDecision(place, deps))) return;
    const kept: Kept = { ...place, homeTeam, user, ts, mentioned: false };
    await deps.worker.accept(`changed:${team}:${channel}:${event.ts}`, 'changed', kept);
  };
  app.event('app_mention', async ({ body }) => take(body));
  app.event('message', async ({ body }) => {
    await take(body);
    await takeChanged(body);
  });

  deps.worker.handle('said', async ({ intent, payload, receivedAt }) => {
    const kept = keptSchema.parse(payload);
    if (await decideByWord({ ...kept, intent }, deps)) return;
    if (kept.mentioned && (await startedBy(kept, intent, receivedAt, deps))) return;
    if (kept.sessionId !== null) await steer(kept, kept.sessionId, intent, receivedAt, deps);
    else if (await steeredByName(kept, intent, receivedAt, deps)) return;
    else if (kept.mentioned || PLAINLY_NAMED.test(kept.text)) await say(kept, intent, HOW, deps);
  });
  deps.worker.handle('changed', async ({ intent, payload }) =>
    refuseEdited({ ...keptSchema.parse(payload), intent }, deps),
  );
}

/** How a run is named in a direct message: by its id, or by the end of it that every message shows. */
const RUN_NAME = /(?:^|\s)((?:run|ses)_[0-9a-z]{6,40}|[0-9a-z]{6})(?=$|[\s:,.])/;
/** What looks like a name, even where there is no such run: one end in ten has no digit, but then it may be any word. */
const PLAINLY_NAMED = /(?:^|\s)(?:(?:run|ses)_[0-9a-z]{6,40}|(?=[0-9a-z]*\d)[0-9a-z]{6})(?=$|[\s:,.])/;
/** Words of a message that are looked up. */
const MAX_NAMES = 20;

function isDirect(channel: string): boolean {
  return channel.startsWith('D');
}

/** "pause 7f3k2a": what is said in a direct message about a run that is named steers it, as it would in its thread. */
async function steeredByName(
  kept: Kept,
  intent: string,
  receivedAt: number,
  deps: HandlerDeps,
): Promise<boolean> {
  if (!isDirect(kept.channel)) return false;
  const names = [...kept.text.matchAll(new RegExp(RUN_NAME, 'g'))].flatMap(([, name]) => name ?? []);
  for (const name of names.slice(0, MAX_NAMES)) {
    const run = await deps.queries.find(kept, name);
    if (run === null) continue;
    const text = kept.text
      .replace(name, ' ')
      .replace(/^[\s:,]+|[\s:,]+$/g, '')
      .replace(/\s+/g, ' ');
    await steer({ ...kept, text, mentioned: true }, run.session.id, intent, receivedAt, deps);
    return true;
  }
  return false;
}

const HOW =
  'I take work by `/orchestrate feature <what you want>`, or by a mention that begins with the name of a workflow. In the thread of an epic, mention me to steer it: pause, resume, stop, skip, or what should be different. Nothing was changed.';

/** "@Baton feature Add CSV export": a request like the command's. */
async function startedBy(
  kept: Kept,
  intent: string,
  receivedAt: number,
  deps: HandlerDeps,
): Promise<boolean> {
  const [word = '', ...rest] = kept.text.split(/\s+/);
  if (!deps.catalog.workflows.has(word) || rest.length === 0) return false;
  const { team, homeTeam, user, channel } = kept;
  const refusal = await deps.orchestrator.admits(await deps.people.decider(user, team, homeTeam), null);
  if (refusal !== null)
    await refuse(kept, intent, { what: `said:${word}`, why: refusal }, startRefusalWords(refusal), deps);
  else {
    const request = kept.text.slice(word.length).trim();
    const start = { team, channel, requester: user, workflow: word, request, repository: null };
    await deps.orchestrator.start({ ...start, intent, receivedAt });
  }
  return true;
}

async function steer(
  kept: Kept,
  sessionId: string,
  intent: string,
  receivedAt: number,
  deps: HandlerDeps,
): Promise<void> {
  const { user: by, text, mentioned: addressed, ts } = kept;
  const at = Math.floor(Number(ts) * 1_000);
  const plain = deps.steering === 'requester';
  const person = await deps.people.decider(by, kept.team, kept.homeTeam);
  const refusal = await deps.roles.looks(person, null);
  if (refusal !== null) {
    // Talk among people is none of Baton's business.
    if (addressed)
      await refuse(kept, intent, { what: 'said', why: refusal }, lookRefusalWords(refusal), deps);
    return;
  }
  const said = { intent, receivedAt, sessionId, by, text, addressed, plain, at };
  await answerSteered(
    await deps.steer.hear(said),
    { ...kept, intent, sessionId, what: 'said', inThread: true },
    deps,
  );
}

interface Where {
  readonly intent: string;
  readonly team: string;
  readonly user: string;
  readonly channel: string;
  readonly sessionId: string;
  /** By which way it was said: the audit has it where nothing came of it. */
  readonly what: string;
  /** Said in the epic's thread, where what is for one person is answered, too; not by a form, which stands in none. */
  readonly inThread: boolean;
}

/** What was done is told in the thread; why nothing was, only to whoever spoke. */
export async function answerSteered(result: Steered | null, where: Where, deps: HandlerDeps): Promise<void> {
  const { intent, team, user, channel, sessionId, what, inThread } = where;
  if (result === null || (result.did === 'nothing' && result.why === 'chatter')) return;
  const run = await deps.queries.bySession(sessionId);
  if (run === null) return;
  const thread = epicKey(sessionId);
  const theirs = { intent, team, user, channel, ...(inThread ? { thread } : {}) };
  const tried = {
    ...theirs,
    value: sessionId,
    what: `${what}:${result.steering.kind}`,
  };
  if (result.did === 'nothing') {
    const text =
      result.why === 'chatter' ? '' : nothingDone(result.why, result.steering.kind, run.session.requester);
    return tellRefused(tried, result.why, text, deps);
  }
  if (result.did === 'refused')
    return tellRefused(tried, result.refusal, taskRefusalWords(result.refusal, result.task), deps);
  if (result.did === 'rollback') {
    const words = rollbackBlocks(result.answer, run.session.requester, deps.rehearsal);
    if (result.answer.done === 'refused') return tellRefused(tried, result.answer.why, words, deps);
    await deps.answers.send(theirs, words);
    return;
  }
  if (result.did === 'hand-over') {
    const words = answerBlocks(handOverWords(result.answer, run.session.requester), deps.rehearsal);
    if (result.answer.done === 'refused') return tellRefused(tried, result.answer.why, words, deps);
    await deps.answers.send(theirs, words);
    return;
  }
  const open = run.approvals.filter(({ status }) => status === 'pending').map(({ subject }) => subject.title);
  const text =
    result.did === 'done'
      ? mk`Noted: ${oneLine(result.what)}.`
      : progressWords(result.view, deps.now(), open);
  const words = answerBlocks(text, deps.rehearsal);
  // Whoever asks in a direct message is answered there; what was done concerns everybody in the thread.
  if (isDirect(channel)) await deps.answers.send({ intent: `${intent}:dm`, team, user, channel }, words);
  if (!isDirect(channel) || result.did === 'done')
    await deps.answers.tell({ intent, team, channel: run.session.channel, thread }, words);
}

/** One line, without a full stop of its own. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[.\s]+$/, '');
}

async function refuse(
  kept: Kept,
  intent: string,
  { what, why }: { readonly what: string; readonly why: string },
  markup: string,
  deps: HandlerDeps,
): Promise<void> {
  const { team, user, channel, sessionId, text } = kept;
  const thread = sessionId === null ? {} : { thread: epicKey(sessionId) };
  await tellRefused({ intent, team, user, channel, ...thread, what, value: text }, why, markup, deps);
}

async function say(kept: Kept, intent: string, markup: string, deps: HandlerDeps): Promise<void> {
  const { team, user, channel, sessionId } = kept;
  const thread = sessionId === null ? {} : { thread: epicKey(sessionId) };
  await deps.answers.send({ intent, team, user, channel, ...thread }, answerBlocks(markup, deps.rehearsal));
}
