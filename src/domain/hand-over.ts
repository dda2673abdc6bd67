const MARK = '.hand-';

/** The run that hands another one over; named after it, like a part of it. */
export function handOverRunId(target: string, digest: string): string {
  return `${target}${MARK}${digest}`;
}

/** Whether a run is a handing over rather than work. */
export function isHandOverRun(runId: string): boolean {
  return runId.includes(MARK);
}

/** Why nothing is handed over. */
export type HandOverRefusal =
  | 'unknown'
  | 'replaced'
  | 'under_way'
  | 'nothing'
  | 'asked_already'
  | 'not_yours'
  | 'not_allowed';

/** What came of wanting a run handed over. */
export type HandOverAnswer =
  | { readonly done: 'begun' }
  | { readonly done: 'refused'; readonly why: HandOverRefusal };
