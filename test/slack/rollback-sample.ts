import type { RollbackOffer } from '../../src/domain/rollback.ts';
import { rollbackBlocks, rollbackForm } from '../../src/slack/builders/rollback-form.ts';
import { type Foreign, many } from './foreign.ts';

/** What there is to go back to, with foreign text wherever it can stand. */
function offerOf(f: Foreign): RollbackOffer {
  const points = many(f, (i) => ({
    number: i + 1,
    seq: i,
    tree: 't',
    at: Date.UTC(2026, 2, 4, 16, 12),
    label: f.text,
    filesSince: i,
    validated: true,
    filesOnly: f.text,
  }));
  return {
    runId: 'run_1',
    title: f.text,
    points,
    lastGood: points[0] ?? null,
    hasStep: true,
    hasBeginning: true,
  };
}

export const rollbackMessage = (f: Foreign) =>
  rollbackBlocks({ done: 'offer', offer: offerOf(f) }, f.alice, true);
export const rollbackView = (f: Foreign) => rollbackForm(offerOf(f));
