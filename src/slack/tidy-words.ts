import type { CleaningReport } from '../domain/cleaning.ts';
import { count } from './format.ts';

/** For how long the last tidying up is worth a line, in milliseconds. */
const WORTH_SAYING_MS = 86_400_000;

/** What the last tidying up came to, as markup; null when there is nothing to say of it. No names: others may read it. */
export function tidyWords(report: CleaningReport | null, now: number): string | null {
  if (report === null || now - report.at > WORTH_SAYING_MS) return null;
  const { branches, states, kept } = report;
  const onlyHere = kept.filter(({ why, ref }) => why === 'only_here' && ref.startsWith('refs/heads/')).length;
  const gone =
    branches + states === 0
      ? []
      : [
          `${count(branches, 'branch', 'branches')} and ${count(states, 'saved state')} of ended runs were removed: merged, or pushed`,
        ];
  const stay =
    onlyHere === 0
      ? []
      : [`${count(onlyHere, 'branch', 'branches')} of ended runs stay: neither merged nor pushed`];
  const said = [...gone, ...stay];
  return said.length === 0 ? null : `Tidied up: ${said.join('; ')}.`;
}
