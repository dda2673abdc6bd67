import path from 'node:path';
import { drizzle } from '../../db/drizzle.ts';
import { EventLog } from '../../db/event-log.ts';
import { openToRead } from '../../db/read-only.ts';
import { createStore } from '../../db/store.ts';
import { BatonError, toFailure } from '../domain/failure.ts';
import { isTerminal } from '../domain/run.ts';
import { pullRequestText } from '../orchestrator/hand-over/body.ts';
import { handedOverFrom } from '../orchestrator/hand-over/place.ts';
import { Queries } from '../orchestrator/queries.ts';
import { createRedactor } from '../policy/redact.ts';
import { type HandedOver, handOver } from '../workspace/hand-over/hand-over.ts';
import { configFromEnvironment } from './environment.ts';
import { findRun, runUnknown } from './find-run.ts';

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
    const store = createStore(drizzle(raw), new EventLog(raw));
    const runId = findRun(raw, wanted);
    const run = await store.runs.status(runId);
    const of = await new Queries(store).byRun(runId);
    if (run === null || of === null) throw runUnknown(wanted, 0);
    if (!isTerminal(run.status)) throw notEnded(runId, run.status);
    const { repository, ...place } = handedOverFrom(run.spec);
    const done = await handOver({
      home: config.home,
      location: repository,
      runId,
      ...place,
      ...pullRequestText(of, createRedactor(config.secrets)),
      github: config.github,
      sshAuthSock: config.sshAuthSock,
      extraAuthorities: config.extraAuthorities,
    });
    console.log(told(done, place.branch));
    return 0;
  } catch (error) {
    const { message, hint } = toFailure(error);
    console.error(hint === undefined ? message : `${message}\n${hint}`);
    return 1;
  } finally {
    raw.close();
  }
}

function notEnded(runId: string, status: string): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'run_not_ended',
    message: `The run ${runId} is ${status}, so nothing was handed over.`,
    hint: 'Hand it over when it has ended.',
  });
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
