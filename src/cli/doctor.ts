import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { createCleaningStore } from '../../db/cleaning.ts';
import { installed } from '../../db/installations.ts';
import { openToRead } from '../../db/read-only.ts';
import { refusedTokens } from '../../db/settings.ts';
import { probeServer } from '../agents/mcp/probe.ts';
import { lookAtModel } from '../agents/model/reachable.ts';
import { isInstalled } from '../compose/checks.ts';
import type { ModelEndpoint } from '../compose/models.ts';
import type { Config } from '../config/config.ts';
import { toFailure } from '../domain/failure.ts';
import type { McpSettings } from '../domain/mcp-settings.ts';
import type { SandboxKind } from '../domain/sandbox-kind.ts';
import { systemClock } from '../system-clock.ts';
import { diskBounds } from '../workspace/sandbox/disk-watch.ts';
import { limitsOf } from '../workspace/sandbox/limits-told.ts';
import { probeSandbox, type Sandbox } from '../workspace/sandbox/sandbox.ts';
import { createScratch, type Scratch } from '../workspace/sandbox/scratch.ts';
import { createWorkspaces } from '../workspace/workspaces.ts';
import { configFromEnvironment } from './environment.ts';

interface Check {
  readonly name: string;
  readonly state: 'good' | 'note' | 'bad';
  readonly text: string;
  readonly fix?: string;
}

const SIGNS = { good: '✅', note: '▫️', bad: '❌' } as const;
/** How long a model server may take to answer that it is there. */
const REACH_MS = 5_000;

/** `baton doctor`: what holds on this machine, each with its remedy beside it. @returns 1 when something is bad */
export async function doctor(): Promise<number> {
  let config: Config;
  try {
    config = configFromEnvironment();
  } catch (error) {
    print({ name: 'settings', state: 'bad', text: toFailure(error).message });
    return 1;
  }
  const confined = await probeSandbox();
  const checks = [
    node(),
    home(config),
    await git(),
    ...sandbox(config, confined),
    ...runners(config, confined.kind),
    ...(await toolServers(config, confined)),
    await repository(config, confined),
    ...(await tidied(config)),
    slack(config),
    ...refused(config),
    ...workspaces(config),
    await model(config),
    ...(await Promise.all(
      config.backups.map((backup) => modelServer('backup', backup, '`models.backup` in baton.yaml')),
    )),
  ];
  for (const check of checks) print(check);
  return checks.some(({ state }) => state === 'bad') ? 1 : 0;
}

function print({ name, state, text, fix }: Check): void {
  console.log(
    `${SIGNS[state]} ${name.padEnd(11)} ${text}${fix === undefined ? '' : `\n${' '.repeat(15)}${fix}`}`,
  );
}

function node(): Check {
  return { name: 'node', state: 'good', text: process.versions.node };
}

function home({ home: folder }: Config): Check {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK);
    return { name: 'home', state: 'good', text: folder };
  } catch (error) {
    return {
      name: 'home',
      state: 'bad',
      text: `${folder} cannot be written: ${toFailure(error).message}`,
      fix: 'Set BATON_HOME to a folder that can.',
    };
  }
}

async function git(): Promise<Check> {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version']);
    return { name: 'git', state: 'good', text: stdout.trim() };
  } catch {
    return { name: 'git', state: 'bad', text: 'git was not found', fix: 'Install git 2.38 or newer.' };
  }
}

function sandbox({ commandMemoryBytes, commandDiskBytes }: Config, found: Sandbox): Check[] {
  const kept: Check =
    found.kind !== 'none'
      ? { name: 'sandbox', state: 'good', text: found.reason }
      : {
          name: 'sandbox',
          state: 'note',
          text: found.reason,
          fix:
            process.platform === 'darwin'
              ? 'Without a sandbox every command of an agent asks a person first.'
              : 'Without bubblewrap every command of an agent asks a person first. Debian and Ubuntu: apt-get install bubblewrap.',
        };
  return [
    kept,
    ...limitsOf(found, commandMemoryBytes, diskBounds(commandDiskBytes)).map(
      (line): Check => ({ name: 'limits', ...line }),
    ),
  ];
}

/** Programs that play agents: whether each is where the sandbox would look for it. */
export function runners(config: Pick<Config, 'runners'>, confined: SandboxKind): Check[] {
  return Object.entries(config.runners).map(([name, settings]): Check => {
    const { kind, command, model: asks, agents } = settings;
    const plays = agents.length === 0 ? '' : `, plays ${agents.join(', ')}`;
    if (asks && confined === 'sandbox-runtime')
      return {
        name: 'runner',
        state: 'bad',
        text: `${name}: ${command} needs the way to the model, and out of the sandbox of this machine there is none`,
        fix: 'It is refused when it is to start. Run Baton on Linux with bubblewrap, or give its agents to a model.',
      };
    if (isInstalled(settings))
      return {
        name: 'runner',
        state: 'good',
        text: `${name}: ${command} (${kind}${asks ? ', with the model' : ''})${plays}; ${heldBy(asks)}`,
      };
    return {
      name: 'runner',
      state: 'bad',
      text: `${name}: ${command} was not found`,
      fix: 'Install it under /usr, or give `command` as an absolute path and its folder under `reads`.',
    };
  });
}

/** Which caps hold a program: what passes through Baton is counted, the rest as far as the program tells of it. */
function heldBy(asks: boolean): string {
  return asks
    ? 'its calls pass through Baton: caps on calls, tokens, money and time hold'
    : 'its time is held; caps on calls, tokens and money only as far as it tells what it uses';
}

/** Each tool server is started, or reached, and asked what it lists. Nothing of it is called. */
async function toolServers({ mcp }: Config, confined: Sandbox): Promise<Check[]> {
  const names = Object.keys(mcp.servers);
  if (names.length === 0) return [];
  const scratch = await createScratch(confined);
  try {
    return await Promise.all(names.map((name) => toolServer(name, mcp, scratch)));
  } finally {
    await scratch.remove();
  }
}

async function toolServer(name: string, mcp: McpSettings, place: Scratch): Promise<Check> {
  try {
    const { tools, problems } = await probeServer(name, mcp, place, systemClock);
    const agents = mcp.servers[name]?.agents.join(', ') ?? '';
    const offered = tools.map(({ tool, effect, approval }) =>
      approval === 'ask' ? `${tool} (${effect}, asks)` : `${tool} (${effect})`,
    );
    return {
      name: 'tools',
      state: problems.length === 0 ? 'good' : 'bad',
      text: [
        `${name}: ${offered.length === 0 ? 'nothing' : offered.join(', ')}; for ${agents}`,
        ...problems,
      ].join('. '),
      ...(problems.length === 0
        ? {}
        : { fix: 'Correct `tools:` of this server in baton.yaml, or the server.' }),
    };
  } catch (error) {
    return {
      name: 'tools',
      state: 'bad',
      text: `${name} did not do its part: ${toFailure(error).message}`,
      fix: 'See that it is installed or running, and that `reads:` names its files. Agents go on without it.',
    };
  }
}

async function repository(config: Config, confined: Sandbox): Promise<Check> {
  if (config.repository === null)
    return {
      name: 'repository',
      state: 'note',
      text: "none set: the rehearsal's sample is used",
      fix: 'Set BATON_REPOSITORY to a path or an address.',
    };
  const report = await createWorkspaces({ home: config.home, sandbox: confined }).inspect(config.repository);
  return report.usable
    ? {
        name: 'repository',
        state: 'good',
        text: `${report.name}, ${report.fileCount} files, tests: ${report.testCommand?.join(' ') ?? 'none recognised'}`,
      }
    : { name: 'repository', state: 'bad', text: report.problem ?? 'cannot be used' };
}

/** What the last tidying up left, since it is nowhere else. */
async function tidied({ home: folder }: Config): Promise<Check[]> {
  const file = path.join(folder, 'baton.db');
  if (!existsSync(file)) return [];
  const raw = openToRead(file);
  try {
    const report = await createCleaningStore(raw).lastReport();
    if (report === null) return [];
    const { branches, states, kept } = report;
    const on = new Date(report.at).toISOString().slice(0, 16).replace('T', ' ');
    const text = `${on}: ${branches} branches and ${states} saved states removed, ${kept.length} kept`;
    const fix = kept.length === 0 ? {} : { fix: '`baton clean --dry-run` tells which, and why.' };
    return [{ name: 'tidied', state: 'good', text, ...fix }];
  } finally {
    raw.close();
  }
}

const MODES = {
  socket: 'Socket Mode',
  http: 'HTTP with signed requests',
  oauth: 'HTTP with signed requests; workspaces install by OAuth',
} as const;

function slack({ slack: { mode } }: Config): Check {
  if (mode === 'desk')
    return {
      name: 'slack',
      state: 'note',
      text: 'not set: the desk, a workspace on this machine, is used',
      fix: 'The README says how to connect a real one in five minutes.',
    };
  return {
    name: 'slack',
    state: 'good',
    text: MODES[mode],
  };
}

/** What Slack answered the Baton that runs here, or the last one that did. */
function refused({ home: folder }: Config): Check[] {
  const file = path.join(folder, 'baton.db');
  if (!existsSync(file)) return [];
  const raw = openToRead(file);
  try {
    return refusedTokens(raw).map(({ team, code, at }) => ({
      name: 'slack',
      state: 'bad',
      text: `Slack refuses the token of ${team} (${code}, ${new Date(at).toISOString()}); its messages and runs wait`,
      fix: 'Start Baton with a valid SLACK_BOT_TOKEN, or install it there again: everything goes on by itself.',
    }));
  } finally {
    raw.close();
  }
}

/** Who has installed Baton, and who took it out again. Nothing where there is no database yet. */
function workspaces({ slack: { mode }, home: folder, workspaces: allowed }: Config): Check[] {
  const file = `${folder}/baton.db`;
  if (mode !== 'oauth') return [];
  const name = 'workspaces';
  if (allowed.length === 0)
    return [
      { name, state: 'bad', text: 'nobody may install', fix: 'Name them under `workspaces:` in baton.yaml.' },
    ];
  const raw = existsSync(file) ? openToRead(file) : null;
  try {
    const rows = raw === null ? [] : installed(raw);
    if (rows.length === 0)
      return [{ name, state: 'note', text: 'nobody has installed Baton yet', fix: 'Open /slack/install.' }];
    return rows.map(({ id, name: called, gone, by }): Check => {
      const text = `${called} (${id})`;
      if (gone !== null)
        return {
          name,
          state: 'bad',
          text: `${text} took Baton out on ${new Date(gone).toISOString()} (${by}); its messages and runs wait`,
          fix: 'Install it there again at /slack/install: everything goes on by itself.',
        };
      if (id.split(':').some((part) => allowed.includes(part))) return { name, state: 'good', text };
      return {
        name,
        state: 'bad',
        text: `${text} is not named under \`workspaces:\` in baton.yaml; its messages and runs wait`,
        fix: 'Name it there and start Baton again: everything goes on by itself.',
      };
    });
  } catch (error) {
    return [{ name, state: 'note', text: `cannot be read: ${toFailure(error).message}` }];
  } finally {
    raw?.close();
  }
}

async function model({ model: endpoint, home: folder }: Config): Promise<Check> {
  if (endpoint.mode === 'rehearsal') {
    return {
      name: 'model',
      state: 'note',
      text: `not set: a rehearsal cast plays the agents${existsSync(`${folder}/cast/cast.json`) ? ' (running)' : ''}`,
      fix: 'Set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own.',
    };
  }
  return modelServer('model', endpoint, 'OPENAI_BASE_URL and OPENAI_API_KEY');
}

/** Looked at without a question to a model, so it costs nothing. */
async function modelServer(name: string, endpoint: ModelEndpoint, set: string): Promise<Check> {
  const { model: called, baseUrl, api } = endpoint;
  try {
    await lookAtModel(endpoint, AbortSignal.timeout(REACH_MS));
    return { name, state: 'good', text: `${called} at ${baseUrl} (${api})` };
  } catch (error) {
    return {
      name,
      state: 'bad',
      text: `${called}: ${toFailure(error).message}`,
      fix: `Start that server, or correct ${set}.`,
    };
  }
}
