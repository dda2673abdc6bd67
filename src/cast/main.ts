import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { CastFileError, loadCasts } from './load.ts';
import { startCast } from './server.ts';

/**
 * The cast as a process of its own, so that it outlives Baton's end and Baton its. Environment:
 * CAST_HOME (where `cast.json` is written; default ~/.baton), CAST_PORT (0 picks one), CAST_DELAY_MS,
 * CAST_FILES (separated as in PATH; default: the casts that ship).
 */
const shipped = ['csv-export.yaml', 'generic.yaml'].map((name) =>
  fileURLToPath(new URL(`../../catalog/casts/${name}`, import.meta.url)),
);

const environmentSchema = z.object({
  CAST_HOME: z.string().min(1).default(join(homedir(), '.baton')),
  CAST_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  // 250 ms: slow enough to follow an agent's steps on the page, quick enough that the whole run takes seconds.
  CAST_DELAY_MS: z.coerce.number().min(0).max(60_000).default(250),
  CAST_FILES: z.string().optional(),
});

async function main(): Promise<void> {
  // biome-ignore lint/style/noProcessEnv: an entry of its own; Baton's src/config.ts belongs to another process
  const environment = environmentSchema.safeParse(process.env);
  if (!environment.success)
    return refuse(
      environment.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'),
    );
  const { CAST_HOME, CAST_PORT, CAST_DELAY_MS, CAST_FILES } = environment.data;
  const casts = await loadCasts(CAST_FILES?.split(delimiter).filter(Boolean) ?? shipped);
  const server = await startCast({ casts, delayMs: CAST_DELAY_MS, port: CAST_PORT });
  const file = join(CAST_HOME, 'cast.json');
  await announce(file, server.url);
  say(`Rehearsal cast ready at ${server.url} (${casts.map((cast) => cast.name).join(', ')})`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      void leave(file).then(() => server.close());
    });
}

/** Written beside and renamed, so that a reader never sees half a file. */
async function announce(file: string, url: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, `${JSON.stringify({ url, pid: process.pid })}\n`, { mode: 0o600 });
  await chmod(beside, 0o600);
  await rename(beside, file);
}

/** Takes the announcement back, unless a newer cast has put its own there. */
async function leave(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.includes(`"pid":${process.pid}}`)) await rm(file, { force: true });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function refuse(reason: string): void {
  process.stderr.write(`The rehearsal cast did not start.\n${reason}\n`);
  process.exitCode = 1;
}

// Whoever started this process may be gone, and the pipe with it; the cast plays on.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

await main().catch((error: unknown) => {
  const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  if (error instanceof CastFileError) refuse(error.message);
  else if (taken) refuse('Its port is taken: choose another with CAST_PORT, or 0 to have one picked.');
  else refuse(error instanceof Error ? error.message : String(error));
});
