import type { App } from '@slack/bolt';
import type { WebClient } from '@slack/web-api';
import { z } from 'zod';
import type { InboxWorker } from '../src/orchestrator/inbox-worker.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { Answers } from '../src/slack/answers.ts';
import { answerBlocks, helpBlocks } from '../src/slack/builders/answers.ts';
import { startForm } from '../src/slack/builders/modals.ts';
import { startRefusalWords } from '../src/slack/control-words.ts';
import { openOrSay } from '../src/slack/open-view.ts';
import { teamKey } from '../src/slack/team.ts';
import { answers as words } from '../src/slack/words.ts';
import { nearest } from '../src/workflows/nearest.ts';
import type { Command, CommandCall, CommandDeps } from './command.ts';
import { withHeadings } from './help.ts';

export interface RegisterDeps extends CommandDeps {
  readonly commands: ReadonlyMap<string, Command>;
  readonly worker: InboxWorker;
  readonly answers: Answers;
  readonly clock: Pick<Clock, 'after'>;
  /** The client for what has to be quick: forms. */
  readonly views: (team: string) => WebClient;
}

const slashSchema = z.object({
  team_id: z.string(),
  enterprise_id: z.string().nullish(),
  channel_id: z.string(),
  user_id: z.string(),
  text: z.string().default(''),
  trigger_id: z.string(),
});

const keptSchema = z.object({
  homeTeam: z.string(),
  team: z.string(),
  channel: z.string(),
  user: z.string(),
  word: z.string(),
  rest: z.string(),
});

export const SLASH_COMMAND = '/orchestrate';

/** Milliseconds an acknowledgement waits for its words. Slack waits for three seconds in all. */
const FIRST_MS = 1_000;

/** The words, if they are there in time; the command is done either way, so being late or failing costs only them. */
async function inTime(
  words: Promise<string | null> | undefined,
  clock: Pick<Clock, 'after'>,
): Promise<string | null> {
  if (words === undefined) return null;
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const cancel = clock.after(FIRST_MS, () => resolve(null));
  try {
    return await Promise.race([words, late]);
  } catch {
    return null;
  } finally {
    cancel();
  }
}

/** Listens to `/orchestrate`: kept first, then acknowledged, then done. An empty one opens the form at once. */
export function registerCommands(app: App, deps: RegisterDeps): void {
  app.command(SLASH_COMMAND, async ({ command, ack }) => {
    const slash = slashSchema.parse(command);
    const [word = '', ...others] = slash.text.trim().split(/\s+/);
    const rest = slash.text.trim().slice(word.length).trim();
    const place = {
      team: teamKey(slash.enterprise_id, slash.team_id),
      user: slash.user_id,
      channel: slash.channel_id,
    };
    const chosen = deps.commands.get(word);
    const isStart = deps.catalog.workflows.has(word);
    if (word === '' || (isStart && others.length === 0)) {
      await ack();
      await openStart({ ...place, trigger: slash.trigger_id, homeTeam: slash.team_id }, word, deps);
      return;
    }
    const { team } = place;
    const intent = `command:${team}:${slash.trigger_id}`;
    const fresh = await deps.worker.accept(intent, 'command', {
      team,
      homeTeam: slash.team_id,
      channel: slash.channel_id,
      user: slash.user_id,
      word,
      rest,
    });
    const call: CommandCall = {
      intent,
      receivedAt: 0,
      team,
      homeTeam: slash.team_id,
      channel: slash.channel_id,
      user: slash.user_id,
      rest,
    };
    const first = fresh ? await inTime(chosen?.first?.(call, deps), deps.clock) : null;
    await (first === null ? ack() : ack({ response_type: 'ephemeral', text: first }));
  });

  deps.worker.handle('command', async ({ intent, receivedAt, payload }) => {
    const kept = keptSchema.parse(payload);
    const call: CommandCall = { ...kept, intent, receivedAt };
    const chosen = deps.commands.get(kept.word);
    const answer = chosen === undefined ? unknownWord(kept.word, deps) : await chosen.run(call, deps);
    if (answer !== null) await deps.answers.send(call, answer);
  });
}

/** With a word that is near, that is all there is to say; else what there is. */
function unknownWord(word: string, deps: RegisterDeps) {
  const meant = nearest(word, [...deps.commands.keys()]);
  const said = words.unknownWord(word, meant);
  return meant === null
    ? helpBlocks(withHeadings([...deps.commands.values()]), deps.rehearsal, said)
    : answerBlocks(said, deps.rehearsal);
}

/** The form for whoever may ask for work somewhere; everybody else is told at once that they may not. */
async function openStart(
  from: {
    readonly team: string;
    readonly homeTeam: string;
    readonly user: string;
    readonly channel: string;
    readonly trigger: string;
  },
  word: string,
  deps: RegisterDeps,
): Promise<void> {
  const { team, homeTeam, user, channel, trigger } = from;
  const refusal = await deps.roles.asks(await deps.people.decider(user, team, homeTeam));
  if (refusal === null) {
    const chosen = deps.catalog.workflows.has(word) ? word : null;
    return openOrSay(deps, { team, user, channel, trigger }, startView(deps, channel, chosen));
  }
  const { audit, answers, rehearsal, now } = deps;
  const tried = { team, user, place: channel, what: 'form', value: word, why: refusal };
  await audit.turnedAway(tried, now());
  const to = { intent: `form:${trigger}`, team, user, channel };
  await answers.send(to, answerBlocks(startRefusalWords(refusal), rehearsal));
}

function startView(deps: RegisterDeps, channel: string, chosen: string | null) {
  const workflows = [...deps.catalog.workflows.values()].map(({ name, description }) => ({
    name,
    description,
  }));
  return startForm({
    workflows,
    chosen: chosen ?? workflows[0]?.name ?? null,
    request: '',
    repository: '',
    channel,
  });
}
