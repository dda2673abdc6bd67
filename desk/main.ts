import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { newSecret } from './server/ids.ts';
import { parseJson } from './server/json.ts';
import { startDesk } from './server/start.ts';

/** The desk's usual port; DESK_PORT changes it, 0 picks a free one. */
const DEFAULT_PORT = 4_390;

const environmentSchema = z.object({
  DESK_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  DESK_HOME: z.string().optional(),
  DESK_BOT_TOKEN: z.string().optional(),
  DESK_APP_TOKEN: z.string().optional(),
  DESK_SIGNING_SECRET: z.string().optional(),
  DESK_REQUEST_URL: z.url().optional(),
  DESK_MANIFEST: z.string().optional(),
  /** Seconds for which a token of `oauth.v2.access` is good. */
  DESK_TOKEN_SECONDS: z.coerce.number().int().positive().optional(),
});
type Environment = z.infer<typeof environmentSchema>;

const tokensSchema = z.object({ botToken: z.string(), appToken: z.string(), signingSecret: z.string() });
const storedSchema = tokensSchema.partial();
type Tokens = z.infer<typeof tokensSchema>;
type StoredTokens = z.infer<typeof storedSchema>;

/** The tokens of an earlier start, so that a restarted desk accepts the same app. */
function storedTokens(file: string): StoredTokens {
  if (!existsSync(file)) return {};
  return storedSchema.safeParse(parseJson(readFileSync(file, 'utf8'))).data ?? {};
}

function chooseTokens(environment: Environment, stored: StoredTokens): Tokens {
  return {
    botToken: environment.DESK_BOT_TOKEN ?? stored.botToken ?? `xoxb-desk-${newSecret(12)}`,
    appToken: environment.DESK_APP_TOKEN ?? stored.appToken ?? `xapp-desk-${newSecret(12)}`,
    signingSecret: environment.DESK_SIGNING_SECRET ?? stored.signingSecret ?? newSecret(16),
  };
}

/** Writes beside and renames, so that a reader never sees half a file. */
function writePrivate(file: string, content: unknown): void {
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}

function errorCode(error: unknown): string {
  return z.object({ code: z.string() }).safeParse(error).data?.code ?? '';
}

function explain(error: unknown, port: number, home: string): string {
  if (errorCode(error).startsWith('SQLITE_BUSY')) {
    return `Another desk is using ${home}. Stop it, or set DESK_HOME to another folder.`;
  }
  if (errorCode(error) === 'EADDRINUSE') {
    return `Port ${port} is taken. Stop what uses it, or set DESK_PORT (for Baton's own desk: PORT) to another one; 0 picks a free one.`;
  }
  return error instanceof Error ? error.message : String(error);
}

async function main(input: unknown): Promise<void> {
  const environment = environmentSchema.safeParse(input);
  if (!environment.success) {
    console.error(`The desk cannot start: ${z.prettifyError(environment.error)}`);
    process.exit(1);
  }
  const settings = environment.data;
  const home = settings.DESK_HOME ?? join(homedir(), '.baton', 'desk');
  const file = join(home, 'desk.json');
  const port = settings.DESK_PORT ?? DEFAULT_PORT;
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const tokens = chooseTokens(settings, storedTokens(file));
    const desk = await startDesk({
      ...tokens,
      port,
      dataDir: home,
      requestUrl: settings.DESK_REQUEST_URL,
      manifestPath: settings.DESK_MANIFEST,
      tokenLifeMs:
        settings.DESK_TOKEN_SECONDS === undefined ? undefined : settings.DESK_TOKEN_SECONDS * 1_000,
    });
    const apiUrl = `${desk.url}/api/`;
    writePrivate(file, { url: desk.url, pid: process.pid, apiUrl, ...tokens });
    console.log(
      [
        '',
        `  The desk is open: ${desk.url}`,
        '',
        '  To point a Bolt app at it, set (the tokens work on this machine only):',
        `    SLACK_API_URL=${apiUrl}`,
        `    SLACK_BOT_TOKEN=${tokens.botToken}`,
        `    SLACK_APP_TOKEN=${tokens.appToken}`,
        `    SLACK_SIGNING_SECRET=${tokens.signingSecret}`,
        '  and pass clientOptions: { slackApiUrl: process.env.SLACK_API_URL } to new App().',
        '',
      ].join('\n'),
    );
    const stop = (): void => void desk.close().then(() => process.exit(0));
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  } catch (error) {
    console.error(`The desk cannot start: ${explain(error, port, home)}`);
    process.exit(1);
  }
}

// biome-ignore lint/style/noProcessEnv: this file is the desk's own small entry; it stands apart from src/config.ts.
await main(process.env);
