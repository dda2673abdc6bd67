import path from 'node:path';
import { z } from 'zod';
import { auditRows } from '../../db/audit.ts';
import { openToRead } from '../../db/read-only.ts';
import { createUsageReader } from '../../db/usage.ts';
import { BatonError, toFailure } from '../domain/failure.ts';
import { type HandedOver, handOver } from '../workspace/hand-over/hand-over.ts';
import { configFromEnvironment } from './environment.ts';

type Reader = ReturnType<typeof openToRead>;

const inputSchema = z.looseObject({
  request: z.string(),
  repository: z.string(),
  branch: z.string(),
  requester: z.string(),
});
const rowSchema = z.object({ id: z.string(), status: z.string(), spec: z.string() });
const specSchema = z.looseObject({ input: inputSchema });
/** Characters of a request that make a title. */
const TITLE_CHARS = 72;
/** Decisions listed; the rest is in `baton history`. */
const MAX_DECISIONS = 40;

/**
 * `baton hand-over RUN`: pushes the branch of a run that has ended and opens its pull request, or updates the one that is there;
 * without GitHub it writes a patch file. Nobody but the person who types it pushes anything. @returns 0, 1 when it did not
 * succeed, 2 for wrong arguments
 */
export async function handOverRun(argv: string[]): Promise<number> {
  const [wanted] = argv;
  if (wanted === undefined || argv.length > 1 || wanted.startsWith('-')) {
    console.error('baton hand-over RUN');
    return 2;
  }
  const config = configFromEnvironment();
  const raw = openToRead(path.join(config.home, 'baton.db'));
  try {
    const run = find(raw, wanted);
    const { input } = specSchema.parse(JSON.parse(run.spec));
    const title = (input.request.split('\n')[0] ?? input.request).slice(0, TITLE_CHARS);
    const done = await handOver({
      home: config.home,
      location: input.repository,
      branch: input.branch,
      runId: run.id,
      onto: null,
      title,
      body: bodyOf(raw, run, input),
      github: config.github,
      sshAuthSock: config.sshAuthSock,
      extraAuthorities: config.extraAuthorities,
    });
    console.log(told(done, input.branch));
    return 0;
  } catch (error) {
    const { message, hint } = toFailure(error);
    console.error(hint === undefined ? message : `${message}\n${hint}`);
    return 1;
  } finally {
    raw.close();
  }
}

/** By its id, or by the end of it as people see it. Errors: terminal `run_unknown`, `run_not_ended`. */
function find(raw: Reader, wanted: string): z.infer<typeof rowSchema> {
  const rows = z
    .array(rowSchema)
    .parse(raw.prepare('select id, status, spec from runs where session_id is not null').all())
    .filter(({ id }) => id === wanted || id.endsWith(wanted));
  const [row] = rows;
  if (row === undefined || rows.length > 1)
    throw new BatonError({
      class: 'terminal',
      code: 'run_unknown',
      message: row === undefined ? `There is no run ${wanted}.` : `${rows.length} runs end in ${wanted}.`,
      hint: 'Give the whole id, as `/orchestrate show` has it.',
    });
  if (row.status === 'completed' || row.status === 'failed') return row;
  throw new BatonError({
    class: 'terminal',
    code: 'run_not_ended',
    message: `The run ${row.id} is ${row.status}, so nothing was handed over.`,
    hint: 'Hand it over when it has ended.',
  });
}

/** Summary, who decided what, cost; for people who read the change. */
function bodyOf(raw: Reader, run: z.infer<typeof rowSchema>, input: z.infer<typeof inputSchema>): string {
  const decisions = [...auditRows(raw, run.id)]
    .filter(({ kind }) => /^(?:approval|decision)\./.test(kind))
    .map(({ at, kind, actor, shown }) => {
      const seen = shown === null ? '' : `, shown \`${shown.slice(0, 12)}\``;
      return `- ${new Date(at).toISOString()} ${kind} by ${plain(actor)}${seen}`;
    });
  const cut = decisions.length > MAX_DECISIONS ? [`- and ${decisions.length - MAX_DECISIONS} more`] : [];
  let usd = 0;
  let unpriced = 0;
  for (const entry of createUsageReader(raw).entries(0)) {
    if (entry.runId !== run.id && !entry.runId.startsWith(`${run.id}.`)) continue;
    if (entry.costUsd === null) unpriced += 1;
    else usd += entry.costUsd;
  }
  const cost =
    unpriced === 0
      ? `$${usd.toFixed(2)}`
      : `at least $${usd.toFixed(2)}; ${unpriced} calls have no known price`;
  const ended =
    run.status === 'completed' ? 'Done' : 'Unfinished: the run did not complete, and this is what it came to';
  return [
    `${ended}. Asked for by ${plain(input.requester)}:`,
    input.request
      .split('\n')
      .map((line) => `> ${plain(line)}`)
      .join('\n'),
    `**Decisions**\n${[...decisions.slice(0, MAX_DECISIONS), ...cut].join('\n') || 'None was asked for.'}`,
    `**Cost** ${cost}. Run \`${run.id}\`.`,
  ].join('\n\n');
}

/** People's words as words: they mention nobody, and are no markup that GitHub acts on. */
function plain(text: string): string {
  return text
    .replace(/[<>&]/g, (char) => `&#${char.charCodeAt(0)};`)
    .replaceAll('@', '@\u200b')
    .replace(/#(?=\d)/g, '#\u200b');
}

function told(done: HandedOver, branch: string): string {
  switch (done.status) {
    case 'pull-request': {
      const { number, url, done: how } = done.pullRequest;
      const words = {
        opened: 'opened',
        updated: 'was there and is up to date',
        found: 'was there; somebody else wrote it, so its words were left',
      }[how];
      return `${branch} is pushed at ${done.commit.slice(0, 12)}. Pull request #${number} ${words}: ${url}`;
    }
    case 'patch':
      return `Nothing was pushed: ${done.why}. ${branch} is in the repository at ${done.commit.slice(0, 12)}, and its patch is ${done.file}`;
    default:
      done satisfies never;
      return '';
  }
}
