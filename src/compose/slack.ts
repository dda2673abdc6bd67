import { App, LogLevel, type Receiver } from '@slack/bolt';
import type { Logger } from 'pino';
import { z } from 'zod';
import { liveCommands } from '../../commands/index.ts';
import { registerCommands } from '../../commands/register.ts';
import type { HandlerDeps } from '../../handlers/deps.ts';
import { Gate } from '../../handlers/gate.ts';
import { registerHandlers } from '../../handlers/register.ts';
import type { Hook } from '../config/config.ts';
import { AbsentWorkspaces } from '../orchestrator/absent-workspaces.ts';
import { holdForChannel } from '../orchestrator/closed-channel.ts';
import { Deadlines } from '../orchestrator/deadlines.ts';
import { Handovers } from '../orchestrator/handovers.ts';
import { InboxWorker } from '../orchestrator/inbox-worker.ts';
import { redactingInbox } from '../orchestrator/redacting-inbox.ts';
import type { Clock } from '../ports/clock.ts';
import type { OutboxRow } from '../ports/outbox.ts';
import type { Redact } from '../ports/redactor.ts';
import { Answers } from '../slack/answers.ts';
import { closedMessages } from '../slack/approval-messages.ts';
import { answerBlocks, forwardedBlocks } from '../slack/builders/answers.ts';
import { closedHome } from '../slack/builders/home.ts';
import { lookRefusalWords } from '../slack/control-words.ts';
import { HttpReceiver, type OtherDoor } from '../slack/doors/http-receiver.ts';
import { SocketDoor } from '../slack/doors/socket-door.ts';
import { sessionOfEpic } from '../slack/epic-key.ts';
import { Homes } from '../slack/homes.ts';
import { createSender } from '../slack/out/sender.ts';
import { undeliverable } from '../slack/out/undeliverable.ts';
import { People } from '../slack/people.ts';
import { SlackProjector } from '../slack/projector.ts';
import { answers as words } from '../slack/words.ts';
import { HookServer } from '../webhooks/server.ts';
import { WebHooks } from '../webhooks/web-hooks.ts';
import type { Core } from './core.ts';
import { gather } from './gather.ts';
import { homeOf, spentBy } from './home.ts';
import { startOnEvents } from './on-events.ts';
import { besides, joinWorkspaces, type OAuthOptions } from './slack-workspaces.ts';

export interface SlackOptions {
  readonly core: Core;
  readonly clock: Clock;
  readonly redact: Redact;
  readonly log: Logger;
  /** Null: every workspace comes by installing. */
  readonly botToken: string | null;
  /** How workspaces install Baton by themselves; absent: only the one whose token is given. */
  readonly oauth?: OAuthOptions | null;
  readonly apiUrl: string;
  readonly door:
    | { readonly mode: 'socket'; readonly appToken: string }
    | { readonly mode: 'http'; readonly signingSecret: string; readonly port: number };
  readonly rehearsal: boolean;
  /** Who may send events from outside; `port` counts where Slack does not come over HTTP. */
  readonly hooks?: { readonly list: readonly Hook[]; readonly port: number };
  /** Whose plain words in a thread count as instructions: nobody's, or those of whoever asked for the work. */
  readonly steering: 'mention' | 'requester';
}

/** Events that come close together are told in one go; short enough to feel at once. */
const GATHER_MS = 40;

/** Joins Slack to the use cases: listeners in, outbox out. Connects on `start`. */
export async function createSlack(options: SlackOptions) {
  const { core, clock, redact, log, apiUrl, botToken, rehearsal } = options;
  const joined = await joinWorkspaces({
    botToken,
    oauth: options.oauth ?? null,
    apiUrl,
    store: core.store.installations,
    audit: core.store.audit,
    clock,
    redact,
    log,
    logger: boltLogger(log, redact),
    onPut: () => {
      mute.clear();
      sender.thaw();
      moved();
      subscribed?.again();
    },
    onGone: () => moved(),
  });
  const { workspaces, identity } = joined;
  const mute = core.refusedTokens;
  const sender = createSender({
    store: core.outbox,
    // Asked for right before each call: whoever was taken over says nothing more.
    transport: (team) => (core.isOurs() ? (workspaces.of(team)?.transport ?? null) : null),
    clock,
    log,
    random: Math.random,
    onUndeliverable: tellUndeliverable,
    onFrozen: (team, code) => {
      mute.note(team, code);
      moved();
    },
  });
  core.connectChat(closedMessages(rehearsal));
  const projector = new SlackProjector({
    store: core.store,
    rehearsal,
    now: () => clock.now(),
    queued: () => sender.wake(),
  });
  const project = gather(
    clock,
    GATHER_MS,
    () => projector.catchUp(),
    (error) => log.error({ error: String(error) }, 'The epic could not be brought up to date; trying again'),
  );
  const answers = new Answers(core.outbox, clock, () => sender.wake());
  const gate = new Gate({
    roles: core.roles,
    directory: core.directory,
    answers,
    audit: core.store.audit,
    isHere: (team) => workspaces.of(team) !== null,
    now: () => clock.now(),
    starts: (word) => core.catalog.workflows.has(word),
    rehearsal,
  });
  const wayIn = async (team: string, user: string): Promise<string | null> => {
    const refusal = await gate.refusal(team, user);
    return refusal === null ? null : lookRefusalWords(refusal);
  };
  const homes = new Homes({
    client: (team) => workspaces.client(team),
    clock,
    build: async (team, user) => {
      const refused = await wayIn(team, user);
      return refused === null
        ? homeOf(
            await core.queries.concerning(team, user),
            await spentBy(core.usage, team, user, clock.now()),
            clock.now(),
          )
        : closedHome(refused);
    },
    onTrouble: (error) => log.warn({ error: redact(String(error)) }, 'An App Home could not be drawn'),
  });
  const worker = new InboxWorker({
    inbox: redactingInbox(core.store.inbox, redact),
    clock,
    log,
    admit: (delivery) => gate.admit(delivery),
    onGivenUp: async ({ intent, payload }, reason) => {
      const who = z
        // A form knows no channel: then they are told by direct message.
        .object({ team: z.string(), user: z.string(), channel: z.string().default('') })
        .safeParse(payload);
      if (who.success)
        await answers.send({ ...who.data, intent }, answerBlocks(words.failed(redact(reason)), rehearsal));
    },
  });
  const hooks = hooksOf(options);
  const hookServer =
    hooks === null || options.door.mode === 'http'
      ? null
      : new HookServer(hooks, options.hooks?.port ?? 0, (error) =>
          log.error({ error: redact(String(error)) }, 'A webhook failed'),
        );
  const receiver = doorOf(options, besides([joined.door, hooks]));
  const app = new App({
    authorize: joined.authorize,
    receiver,
    clientOptions: { slackApiUrl: apiUrl },
    logLevel: LogLevel.ERROR,
    logger: boltLogger(log, redact),
  });
  app.error(async (error) => log.error({ error: redact(error.message) }, 'A listener failed'));
  const people = new People((team) => workspaces.client(team), clock);
  core.connectDirectory(people);
  const shared: HandlerDeps = {
    worker,
    orchestrator: core.orchestrator,
    queries: core.queries,
    signals: core.signals,
    plans: core.plans,
    steer: core.steer,
    persons: core.persons,
    personTasks: core.store.personTasks,
    rollbacks: core.rollbacks,
    handOvers: core.handOvers,
    roles: core.roles,
    gate: (team: string, user: string, channel: string) => gate.refusedForm(team, user, channel),
    homes,
    sessionAt: async (team, channel, ts) => sessionOfEpic((await core.outbox.refAt(team, channel, ts))?.key),
    cards: core.outbox,
    botUser: (team) => workspaces.of(team)?.botUser ?? null,
    steering: options.steering,
    saveWorkflow: core.catalog.save,
    approvals: core.store.approvals,
    audit: core.store.audit,
    answers,
    people,
    catalog: core.catalog,
    views: (team) => workspaces.client(team),
    rehearsal,
    defaultRepository: core.defaultRepository,
    redact,
    now: () => clock.now(),
  };
  registerCommands(app, {
    ...shared,
    clock,
    absences: core.absences,
    health: core.health,
    usage: core.usage,
    models: core.models.pool,
    toolServers: core.toolServers,
    runners: core.runners,
    checks: core.checks,
    approvers: core.approvers,
    tidied: () => core.cleaning.lastReport(),
    flags: core.flags,
    commands: liveCommands(core.catalog),
  });
  registerHandlers(app, shared);
  joined.listen(app);
  core.engine.onCommit(project.again);
  core.engine.onCommit(() => homes.changed());
  const subscribed =
    core.subscriptions.length > 0 ? startOnEvents(options, workspaces, identity?.team ?? null, people) : null;
  const absent = new AbsentWorkspaces({
    engine: core.engine,
    store: core.store,
    standing: (team) => (workspaces.of(team) === null ? 'gone' : mute.has(team) ? 'mute' : 'here'),
    log,
  });
  const moved = (): void => {
    absent
      .look()
      .catch((error: unknown) =>
        log.error({ error: redact(String(error)) }, 'Runs of a workspace could not be paused or go on'),
      );
  };
  core.models.onProgress(project.again);
  const handovers = new Handovers({
    approvals: core.store.approvals,
    delegations: core.store.delegations,
    chaser: core.chaser,
    clock,
    onAsked: project.again,
    onTrouble: (error) => log.error({ error: redact(String(error)) }, 'What moved on could not be looked at'),
  });
  const deadlines = new Deadlines({
    approvals: core.store.approvals,
    clock,
    onClosed: project.again,
    onTrouble: (error) => log.error({ error: redact(String(error)) }, 'What ran out could not be closed'),
  });

  /** A message that cannot reach its channel goes to the person by DM; work that nobody could follow stops. */
  async function tellUndeliverable(row: OutboxRow, code: string, held: boolean): Promise<void> {
    log.warn({ key: row.key, code }, 'A message could not be delivered');
    const id = sessionOfEpic(row.key) ?? (held ? sessionOfEpic(row.thread) : null);
    const session = id === null ? null : await core.store.sessions.get(id);
    const message = await undeliverable(row, code, session, { forwarded: forwardedBlocks, rehearsal });
    if (message !== null) await core.outbox.enqueue([message], clock.now());
    if (session !== null && held) await holdForChannel(core, session.currentRunId);
    else if (session !== null && row.kind === 'post')
      await core.orchestrator.stop(session.currentRunId, session.requester);
  }

  return {
    identity,
    workspaces,
    /** Opens the door, and takes up what an earlier process left: deliveries, runs, messages. */
    async start(): Promise<{ readonly address: string | null; readonly hooks: string | null }> {
      // Before the door opens: what was taken first is done first, and nothing is taken up twice.
      await worker.recover();
      const address = await open(app);
      const server = (await hookServer?.start()) ?? null;
      core.engine.recover();
      // With one token there is one workspace, and nobody comes or goes but by what Slack says to it.
      if (mute.clear() || joined.door !== null) moved();
      core.events.wake();
      project.again();
      sender.wake();
      await subscribed?.begin();
      deadlines.start();
      handovers.start();
      return { address, hooks: server ?? (hooks === null ? null : address) };
    },
    async stop(): Promise<void> {
      await app.stop().catch(() => undefined);
      await hookServer?.stop();
      await worker.stop();
      await deadlines.stop();
      await joined.stop();
      await handovers.stop();
      await homes.stop();
      await subscribed?.stop();
      await project.stop();
      await sender.stop();
    },
  };
}

async function open(app: App): Promise<string | null> {
  const started: unknown = await app.start();
  const address = z.object({ port: z.number() }).safeParse(started);
  return address.success ? `http://127.0.0.1:${address.data.port}` : null;
}

function hooksOf({ hooks, core, clock, log }: SlackOptions): WebHooks | null {
  if (hooks === undefined || hooks.list.length === 0) return null;
  return new WebHooks({ hooks: hooks.list, publish: (event) => core.events.publish(event), clock, log });
}

function doorOf(
  { door, apiUrl, clock, core, log, redact }: SlackOptions,
  beside: OtherDoor | null,
): Receiver {
  if (door.mode === 'http') {
    return new HttpReceiver({
      signingSecret: door.signingSecret,
      port: door.port,
      clock,
      replays: core.store.replays,
      beside,
      onError: (error) => log.error({ error: redact(String(error)) }, 'A request failed'),
    });
  }
  return new SocketDoor({ appToken: door.appToken, apiUrl, clock, log, redact });
}

/** Bolt's own words, redacted; only what somebody should look at. */
function boltLogger(log: Logger, redact: Redact) {
  const text = (parts: unknown[]): string => redact(parts.map(String).join(' '));
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: (...parts: unknown[]) => log.warn(text(parts)),
    error: (...parts: unknown[]) => log.error(text(parts)),
    setLevel: () => undefined,
    getLevel: () => LogLevel.ERROR,
    setName: () => undefined,
  };
}
