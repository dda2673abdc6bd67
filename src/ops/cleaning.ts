import { createHash } from 'node:crypto';
import { schedule } from 'node-cron';
import { type CleaningPlan, type CleaningReport, keepWords } from '../domain/cleaning.ts';
import { asJson } from '../domain/json.ts';
import type { Cleaner, CleaningStore } from '../ports/cleaning.ts';
import type { Clock } from '../ports/clock.ts';
import type { DecisionStore } from '../ports/decisions.ts';

/** Once a night, away from the full hour. */
const EVERY_NIGHT = '41 3 * * *';

export interface CleaningOptions {
  readonly store: CleaningStore;
  readonly decisions: DecisionStore;
  readonly cleaner: Cleaner;
  readonly clock: Pick<Clock, 'now'>;
  /** Milliseconds after its end for which what is only pushed stays. */
  readonly afterMs: number;
  readonly onError: (error: unknown) => void;
}

/** What a tidying up would do now. Nothing is changed. */
export async function planCleaning({
  store,
  cleaner,
  clock,
  afterMs,
}: Pick<CleaningOptions, 'cleaner' | 'clock' | 'afterMs'> & {
  readonly store: Pick<CleaningStore, 'works'>;
}): Promise<CleaningPlan[]> {
  return cleaner.look(await store.works(), clock.now(), afterMs);
}

/**
 * Takes away what is safe elsewhere. Each removal is a decision of Baton's, recorded with the commits before anything goes,
 * so that even what was wrongly taken for safe can be named again; killed in between, the next one goes on.
 */
export async function tidyUp(options: CleaningOptions): Promise<CleaningReport> {
  const { store, decisions, cleaner, clock, onError } = options;
  const at = clock.now();
  const plans = await planCleaning(options);
  let branches = 0;
  let states = 0;
  for (const plan of plans) {
    if (plan.remove.length === 0) continue;
    try {
      // Looked at once more: a person may have pressed a button since.
      const now = (await store.works()).find(
        ({ location, branch }) => location === plan.work.location && branch === plan.work.branch,
      );
      if (now?.endedAt !== plan.work.endedAt) continue;
      await record(decisions, plan, at);
      await cleaner.remove(plan);
      const gone = plan.remove.filter(({ ref }) => ref.startsWith('refs/heads/')).length;
      branches += gone;
      states += plan.remove.length - gone;
    } catch (error) {
      // One repository that cannot be written must not keep all the others.
      onError(error);
    }
  }
  const kept = plans.flatMap(({ keep }) => keep).filter(({ why }) => why !== 'open' && why !== 'recent');
  const report = { at, branches, states, kept };
  await store.report(report);
  return report;
}

async function record(decisions: DecisionStore, plan: CleaningPlan, at: number): Promise<void> {
  const { work, why, remove, keep } = plan;
  const [runId] = work.runIds;
  if (runId === undefined || why === null) return;
  const seen = remove.map(({ ref, commit }) => `${ref} ${commit}`);
  const digest = createHash('sha256').update(seen.join('\n')).digest('hex').slice(0, 16);
  const where = why === 'merged' ? 'it is merged' : 'the remote has it';
  await decisions.record(
    runId,
    {
      id: `dec_clean_${runId}_${digest}`,
      kind: 'clean',
      actor: 'baton',
      actorKind: 'baton',
      choice: `removed ${work.branch} and ${remove.length} refs here`,
      reason: `the run has ended, and ${where}`,
      alternatives: keep.map(({ ref, why: reason }) => `kept ${ref}: ${keepWords[reason]}`),
      evidence: asJson({ removed: seen }),
    },
    at,
  );
}

/** Tidies up every night until the returned function is called. */
export function keepTidy(options: CleaningOptions): () => void {
  const task = schedule(EVERY_NIGHT, () => void tidyUp(options).catch(options.onError), {
    noOverlap: true,
    name: 'cleaning',
  });
  return () => void task.stop();
}
