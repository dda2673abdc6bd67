import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { loadCasts, parseCast } from '../../src/cast/load.ts';
import { startCast } from '../../src/cast/server.ts';
import { SHIPPED } from '../../src/compose/catalog.ts';
import { type Core, createCore } from '../../src/compose/core.ts';
import type { CoreOptions } from '../../src/compose/core-options.ts';
import type { Approval, Verdict } from '../../src/domain/approval.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { isTerminal } from '../../src/domain/run.ts';
import type { Node, Workflow } from '../../src/domain/workflow.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { systemClock } from '../../src/system-clock.ts';
import { everybody, member } from './directory.ts';

/** A core as the product joins it, on a home of its own, with a cast for a model: real engine, store, git and tools. */

type Of<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;
type Cast = ReturnType<typeof parseCast>;

/** The casts that ship. */
export const shippedCasts = (): Promise<readonly Cast[]> =>
  loadCasts([path.join(SHIPPED, 'casts/generic.yaml')]);

/** A home folder and a model's server that outlive the cores on them. */
export interface Place {
  readonly home: string;
  readonly url: string;
  close(): Promise<void>;
}

/** @param casts texts of cast files, or casts as they were read; the first that knows an answer gives it */
export async function openPlace(...casts: readonly (string | Cast)[]): Promise<Place> {
  const home = mkdtempSync(path.join(tmpdir(), 'baton-core-'));
  const read = casts.map((cast) => (typeof cast === 'string' ? parseCast(cast, 'test.yaml') : cast));
  const server = await startCast({ casts: read, delayMs: 0, port: 0 });
  return {
    home,
    url: server.url,
    async close() {
      await server.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A core at a place; what is not given is as in a rehearsal in which everybody may decide. */
export function coreAt(place: Pick<Place, 'home' | 'url'>, own: Partial<CoreOptions> = {}): Promise<Core> {
  return createCore({ ...plainOptions(place), directory: everybody, ...own });
}

/** What a core at a place is made of in a rehearsal; who people are is left open. */
export function plainOptions({ home, url }: Pick<Place, 'home' | 'url'>): CoreOptions {
  return {
    home,
    clock: systemClock,
    redact: (text) => text,
    model: { api: 'chat', apiKey: null, baseUrl: url, model: 'rehearsal' },
    rehearsal: true,
    repository: null,
    repositories: null,
    policy: readPolicy({}, {}),
    prices: {},
    onStoreTrouble: () => undefined,
  };
}

export function workflowOf(name: string, flow: Node): Workflow {
  return { name, title: 't', description: 'd', how: 'h', why: 'w', flow };
}

/** Starts a workflow of the core as somebody would, its plan agreed to. */
export async function startRun(
  core: Core,
  workflow: string,
  intent: string,
  request = `Do ${workflow}`,
): Promise<string> {
  const { currentRunId } = await core.orchestrator.start({
    intent,
    receivedAt: Date.now(),
    team: 'T',
    channel: 'C',
    requester: 'U',
    workflow,
    request,
    repository: null,
    autoStart: true,
  });
  return currentRunId;
}

/** Until something holds, looked at after each commit. */
export async function when(core: Core, holds: () => Promise<boolean>): Promise<void> {
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    const there = await holds();
    if (!there) await next.promise;
    off();
    if (there) return;
  }
}

export async function decide(
  core: Core,
  approval: Approval,
  verdict: Verdict,
  comment: string | null = null,
) {
  const said = { nonce: approval.nonce, by: member('V', 'T'), place: 'test' };
  return core.orchestrator.approvals.decide(said, verdict, comment);
}

/** What is said to each question; null: nothing, and the run is not waited for any longer. */
export type Answer = (approval: Approval, runId: string) => Promise<Verdict | null>;

/** Follows a run until it has ended or paused, answering what is asked. `lost` ends the watch: the process is gone. */
export async function followRun(
  core: Core,
  runId: string,
  answer: Answer = async () => 'approve',
  lost: Promise<void> = new Promise(() => undefined),
): Promise<Ended | null> {
  const events: RunEvent[] = [];
  let gone = false;
  const over = lost.then(() => {
    gone = true;
  });
  for (let seq = 0; ; ) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    const status = (await core.store.runs.status(runId))?.status ?? 'queued';
    const news = await core.store.projections.events(runId, seq, 500);
    for (const stored of news) {
      seq = stored.seq;
      events.push(stored.event);
      if (gone || stored.event.type !== 'approval.requested') continue;
      const approval = await core.store.approvals.byId(stored.event.approvalId);
      if (approval?.status !== 'pending') continue;
      const verdict = await answer(approval, runId);
      if (verdict !== null) await decide(core, approval, verdict);
    }
    if (gone) return null;
    if (news.length === 0) {
      if (isTerminal(status) || status === 'paused') return new Ended(runId, status, events);
      await Promise.race([next.promise, over]);
    }
    off();
  }
}

/** A run that has ended or paused, with all its events. */
export class Ended {
  readonly runId: string;
  readonly status: string;
  readonly events: readonly RunEvent[];

  constructor(runId: string, status: string, events: readonly RunEvent[]) {
    this.runId = runId;
    this.status = status;
    this.events = events;
  }

  of<T extends RunEvent['type']>(type: T): Of<T>[] {
    return this.events.filter((event): event is Of<T> => event.type === type);
  }

  get branch(): string {
    return this.of('workspace.ready')[0]?.branch ?? '';
  }
}

/** Worktrees and side folders of a run that are still there. */
export function foldersOf(home: string, runId: string): string[] {
  return ['worktrees', 'workspaces'].flatMap((folder) =>
    existsSync(path.join(home, folder))
      ? readdirSync(path.join(home, folder)).filter((name) => name.startsWith(runId))
      : [],
  );
}

/** How many rows a table holds; also beside a core that is at work. */
export function rowsIn({ home }: Place, table: 'leases' | 'timers'): number {
  const raw = new Database(path.join(home, 'baton.db'), { readonly: true });
  try {
    return z.number().parse(raw.prepare(`select count(*) from ${table}`).pluck().get());
  } finally {
    raw.close();
  }
}
