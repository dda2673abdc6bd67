import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The table of docs/roles.md: who may do what. */
const table = readFileSync(path.join(import.meta.dirname, '../../docs/roles.md'), 'utf8');
export const ROLES = ['stranger', 'guest', 'viewer', 'asked', 'requester', 'approver', 'admin'] as const;
export type RoleName = (typeof ROLES)[number];
/** Who stands for which role. */
export const PEOPLE: Readonly<Record<RoleName, string>> = {
  stranger: 'member3',
  guest: 'dave',
  viewer: 'carol',
  asked: 'alice',
  requester: 'member1',
  approver: 'bob',
  admin: 'member2',
};

export interface Row {
  readonly name: string;
  readonly may: readonly RoleName[];
  readonly mayNot: readonly RoleName[];
}
export const rows: readonly Row[] = table.split('\n').flatMap((line): Row[] => {
  const cells = line.split('|').map((cell) => cell.trim());
  const name = /^`([^`]+)`/.exec(cells[1] ?? '')?.[1];
  const marks = cells.slice(2, 2 + ROLES.length);
  if (name === undefined || marks.length < ROLES.length) return [];
  const of = (mark: string) => ROLES.filter((_, at) => marks[at] === mark);
  return [{ name, may: of('yes'), mayNot: of('no') }];
});

/** Reasons that are about who somebody is, and not about what there is to do. */
export const ABOUT_PEOPLE = new Set(
  'guest stranger not_a_person look role repository not_yours not_allowed no_role not_eligible requester last_editor not_admin own_role not_theirs'.split(
    ' ',
  ),
);
