import { once } from 'node:events';
import path from 'node:path';
import pino from 'pino';
import { z } from 'zod';
import { type Begun, begin } from './compose/begin.ts';
import { createCore } from './compose/core.ts';
import type { Local, LocalCast, LocalDesk, Services } from './compose/local.ts';
import type { ModelEndpoint } from './compose/models.ts';
import { createSlack, type SlackOptions } from './compose/slack.ts';
import type { Config } from './config/config.ts';
import { BatonError, toFailure } from './domain/failure.ts';
import type { SandboxKind } from './domain/sandbox-kind.ts';
import { keepTidy } from './ops/cleaning.ts';
import { keepHouse, sweep } from './ops/housekeeping.ts';
import { endService, keepAlive } from './ops/local-services.ts';
import { watchOwnership } from './ops/ownership.ts';
import { createRedactor } from './policy/redact.ts';
import { KeyRing } from './slack/oauth/seal.ts';
import { systemClock } from './system-clock.ts';
import { createCleaner } from './workspace/cleaning.ts';

/** The port for Slack's requests, when PORT says nothing. */
const HTTP_PORT = 3_000;
/** Model servers ask for some key; the cast reads none. */
const NO_KEY = 'rehearsal';

/** Who is told of what happens before there is a log: nobody, at first. */
interface Told {
  workflowProblem: (problem: string) => void;
}

export interface Running {
  /** What a person opens or does next. */
  readonly lines: readonly string[];
  /** Rejects when another Baton has taken the database over: nothing of this one counts any more, and it has to end. */
  readonly takenOver: Promise<never>;
  stop(): Promise<void>;
}

/** Starts Baton on what `local` brings up for it. When that fails, what this start brought up ends with it. */
export async function startBaton(config: Config, local: Local): Promise<Running> {
  const logs = path.join(config.home, 'logs');
  try {
    const told: Told = { workflowProblem: () => undefined };
    const early = begin({ ...config, onWorkflowProblem: (problem) => told.workflowProblem(problem) });
    const { desk, cast } = await local.ready;
    return await startWith(config, logs, local.services, desk, cast, early, told);
  } catch (error) {
    // Desk and cast may be coming up still.
    await local.ready.catch(() => undefined);
    // What an earlier start left running belongs to it; it may still be at work.
    for (const pid of local.services.startedHere) endService(pid);
    throw explained(error);
  }
}

const portTaken = z.object({ code: z.literal('EADDRINUSE'), port: z.number() });

/** An error of the system in words for the person at the terminal. */
function explained(error: unknown): unknown {
  const taken = portTaken.safeParse(error);
  if (!taken.success) return error;
  return new BatonError(
    {
      class: 'terminal',
      code: 'port_taken',
      message: `Port ${taken.data.port} is taken`,
      hint: 'Stop what uses it, or set PORT to another one, or for webhooks `hooks_port` in baton.yaml (0 picks a free one). Nothing was lost.',
    },
    error,
  );
}

async function startWith(
  config: Config,
  logs: string,
  services: Services,
  desk: LocalDesk | null,
  cast: LocalCast | null,
  early: Begun,
  told: Told,
): Promise<Running> {
  const clock = systemClock;

  const redact = createRedactor([
    ...config.secrets,
    ...(desk === null ? [] : [desk.botToken, desk.appToken]),
  ]);
  const destination = pino.destination({ dest: path.join(logs, 'baton.log'), mkdir: true, sync: false });
  // A full disk must not end the process through its log: what cannot be written is written later, or not at all.
  destination.on('error', () => undefined);
  // A process that ends before the file is open could not write what it has to say, and would say that instead.
  await once(destination, 'ready');
  const log = pino({ level: config.logLevel, base: null }, destination);
  const rehearsal = config.model.mode === 'rehearsal';
  told.workflowProblem = (problem) =>
    log.warn({ problem: redact(problem) }, 'A workflow file was changed and cannot be used as it is');
  const core = await createCore(
    {
      home: config.home,
      clock,
      redact,
      model: modelOf(config, cast),
      rehearsal,
      repository: config.repository,
      repositories: config.repositories,
      github: config.github,
      sshAuthSock: config.sshAuthSock,
      extraAuthorities: config.extraAuthorities,
      commandMemoryBytes: config.commandMemoryBytes,
      commandDiskBytes: config.commandDiskBytes,
      policy: config.policy,
      requests: config.requests,
      people: config.people,
      flags: config.flags,
      resources: config.resources,
      events: config.events,
      prices: config.prices,
      runners: config.runners,
      mcp: config.mcp,
      rates: config.rates,
      budget: config.budget,
      stepLimits: config.stepLimits,
      cacheAnswers: config.cacheAnswers,
      backups: config.backups,
      // The rehearsal's own server is on this machine, and nobody pays for it.
      ...(rehearsal ? {} : { limits: config.limits }),
      onHealth: ({ kind, name, problem }) =>
        problem === null
          ? log.info({ kind, name }, 'It answers again')
          : log.warn(
              { kind, name, problem },
              'It does not answer; work that needs it waits or goes another way',
            ),
      onStoreTrouble: (error) =>
        error === null
          ? log.info('The database can be written again')
          : log.error(
              { error: redact(toFailure(error).message) },
              'The database cannot be written; no new work is started until it can',
            ),
    },
    early,
  );
  try {
    const slack = await createSlack({
      core,
      clock,
      redact,
      log,
      rehearsal,
      hooks: config.hooks,
      steering: config.steering,
      ...doorOf(config, desk),
    });
    const { address, hooks } = await slack.start();
    const house = {
      store: core.store.housekeeping,
      clock,
      closeWorkspace: (runId: string) => core.registry.close(runId),
      onError: (error: unknown) => log.error({ error: toFailure(error).message }, 'Housekeeping failed'),
    };
    core.checks.start();
    void sweep(house).catch(house.onError);
    const stopHouse = keepHouse(house);
    const stopTidy = keepTidy({
      store: core.cleaning,
      decisions: core.store.decisions,
      cleaner: createCleaner(config),
      clock,
      afterMs: config.cleanAfterMs,
      onError: (error: unknown) => log.error({ error: toFailure(error).message }, 'Tidying up failed'),
    });
    const stopWatch =
      cast === null
        ? () => undefined
        : keepAlive(clock, cast, cast.again, (pid, error) => {
            if (pid === null)
              log.error(
                { error: toFailure(error).message },
                'The cast ended and could not be started again; trying on',
              );
            else {
              services.running.push(pid);
              log.warn({ pid }, 'The cast had ended and was started again');
            }
          });
    const owned = watchOwnership({ isOurs: core.isOurs, clock });
    owned.lost.catch((error: unknown) => {
      log.fatal({ error: toFailure(error).message }, 'Another Baton has taken over; this one ends');
      destination.flushSync();
    });
    return {
      takenOver: owned.lost,
      lines: describe(
        config,
        desk,
        { address, hooks },
        core.sandbox,
        slack.workspaces
          .all()
          .map(({ name }) => name)
          .join(', '),
      ),
      stop: async () => {
        owned.stop();
        stopWatch();
        stopHouse();
        stopTidy();
        await slack.stop();
        await core.stop();
        for (const pid of services.running) endService(pid);
        destination.flushSync();
      },
    };
  } catch (error) {
    await core.stop();
    throw error;
  }
}

function modelOf(config: Config, cast: { readonly url: string } | null): ModelEndpoint {
  if (config.model.mode === 'model') return config.model;
  return { api: 'responses', apiKey: NO_KEY, baseUrl: cast?.url ?? '', model: 'rehearsal' };
}

function doorOf(
  config: Config,
  desk: LocalDesk | null,
): Pick<SlackOptions, 'botToken' | 'apiUrl' | 'door' | 'oauth'> {
  const { slack } = config;
  switch (slack.mode) {
    case 'desk':
      return {
        botToken: desk?.botToken ?? '',
        apiUrl: desk?.apiUrl ?? '',
        door: { mode: 'socket', appToken: desk?.appToken ?? '' },
      };
    case 'socket':
      return {
        botToken: slack.botToken,
        apiUrl: slack.apiUrl,
        door: { mode: 'socket', appToken: slack.appToken },
      };
    case 'http':
      return {
        botToken: slack.botToken,
        apiUrl: slack.apiUrl,
        door: { mode: 'http', signingSecret: slack.signingSecret, port: config.port ?? HTTP_PORT },
      };
    case 'oauth':
      return {
        botToken: slack.botToken,
        apiUrl: slack.apiUrl,
        door: { mode: 'http', signingSecret: slack.signingSecret, port: config.port ?? HTTP_PORT },
        oauth: { ...slack, keys: keysOf(slack.tokenKeys), allowed: config.workspaces },
      };
    default:
      return slack satisfies never;
  }
}

function keysOf(text: string): KeyRing {
  const keys = KeyRing.parse(text);
  if (keys !== null) return keys;
  throw new BatonError({
    class: 'terminal',
    code: 'config_invalid',
    message:
      'BATON_TOKEN_KEYS is a name, a colon and 32 bytes in base64, such as "k1:…"; `openssl rand -base64 32` makes one.',
    hint: 'Nothing was started.',
  });
}

function describe(
  config: Config,
  desk: LocalDesk | null,
  { address, hooks }: { readonly address: string | null; readonly hooks: string | null },
  sandbox: { readonly kind: SandboxKind; readonly reason: string },
  team: string,
): string[] {
  const lines =
    desk === null
      ? [`Baton is connected to ${team}. Type /orchestrate help there.`]
      : ['Baton is ready.', '', `  Open ${desk.url}`, '  and type /orchestrate feature Add CSV export'];
  if (address !== null) lines.push(`It listens at ${address} for Slack's requests.`);
  if (hooks !== null) lines.push(`Events from outside come to ${hooks}/hooks/<name>.`);
  lines.push('');
  if (desk !== null)
    lines.push('This is a workspace on this machine, not Slack. The README says how to connect a real one.');
  if (config.model.mode === 'rehearsal')
    lines.push(
      'The agents are played by a rehearsal cast. Set OPENAI_API_KEY or OPENAI_BASE_URL for real ones.',
    );
  lines.push(
    `Commands of agents: ${sandbox.kind !== 'none' ? 'in a sandbox' : `without a sandbox (${sandbox.reason})`}.`,
  );
  if (config.policy.problem !== null)
    lines.push(
      `Nobody may decide on anything until baton.yaml is put right: ${config.policy.problem}. Correct it and start again.`,
    );
  lines.push(`Everything is kept in ${config.home}. Ctrl-C stops it; it goes on where it was.`);
  return lines;
}
