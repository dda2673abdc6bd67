import { bareProblem } from '../domain/slack-id.ts';

/** Keys under which there are ids and nothing else, in `approvals` and `access`. */
const KEYS_OF_IDS: ReadonlySet<string> = new Set([
  'people',
  'groups',
  'escalate_to',
  'owners',
  'channel',
  'on_call',
  'viewer',
  'requester',
  'approver',
  'admin',
  'guests',
  'strangers',
]);

export interface BareId {
  readonly keys: readonly (string | number)[];
  readonly message: string;
}

/** Ids that stand in a part of the settings without their workspace, where there are several. */
export function bareIdsIn(section: string, settings: unknown): BareId[] {
  return found(settings, [section], false);
}

function found(value: unknown, keys: readonly (string | number)[], ofIds: boolean): BareId[] {
  if (typeof value === 'string') {
    const message = ofIds ? bareProblem(value) : null;
    return message === null ? [] : [{ keys, message }];
  }
  if (Array.isArray(value)) return value.flatMap((each: unknown, i) => found(each, [...keys, i], ofIds));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]: [string, unknown]) =>
    found(each, [...keys, key], ofIds || KEYS_OF_IDS.has(key)),
  );
}
