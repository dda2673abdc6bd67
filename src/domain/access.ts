import { z } from 'zod';
import type { Decider, Voter } from './approval.ts';
import { type BareIds, idsIn, writtenId } from './slack-id.ts';

/** What people may be, each with Slack ids of people and user groups. Null: every member of the workspace. */
export const roles = ['viewer', 'requester', 'approver', 'admin'] as const;
export type Role = (typeof roles)[number];

const idsSchema = z.array(writtenId('USW', 'is no Slack id: people begin with U or W, user groups with S'));

const roleLists = {
  viewer: idsSchema.optional(),
  requester: idsSchema.optional(),
  approver: idsSchema.optional(),
  admin: idsSchema.optional(),
};

/** The part of `baton.yaml` that says who may do what, and where. */
export const accessSchema = z.strictObject({
  ...roleLists,
  /** Guests and people of other workspaces who are let in all the same, by their own ids. */
  guests: idsSchema.default([]),
  strangers: idsSchema.default([]),
  /** For some repositories or environments; of those that match, the last one that names a role holds for it. */
  rules: z
    .array(
      z.strictObject({ repository: z.string().optional(), environment: z.string().optional(), ...roleLists }),
    )
    .default([]),
});
export interface Access extends z.infer<typeof accessSchema> {
  /** Whose ids those are that stand there without a workspace. */
  readonly bareIds: BareIds;
}

/** What holds while the settings cannot be read: who may do what is not known, so nobody may. */
export const closedAccess: Access = {
  viewer: [],
  requester: [],
  approver: [],
  admin: [],
  guests: [],
  strangers: [],
  rules: [],
  bareIds: null,
};

/** Where something is done. */
export interface Place {
  /** Key of the workspace: people and groups of others are not meant by what is said there. */
  readonly team: string;
  readonly repository: string;
  /** "production"; null: none in particular. */
  readonly environment: string | null;
}

/** Everybody who belongs to the workspace may ask and approve; nobody is an admin. */
export const openAccess: Access = { guests: [], strangers: [], rules: [], bareIds: 'one' };

/**
 * Who has a role somewhere, by their ids in that workspace. Null: every member. Nobody is an admin unless named.
 * @param matches whether a repository is one that a rule means
 */
function holders(
  access: Access,
  role: Role,
  place: Place,
  matches: (rule: string, repository: string) => boolean,
): readonly string[] | null {
  const rule = access.rules.findLast(
    (each) =>
      each[role] !== undefined &&
      (each.repository === undefined || matches(each.repository, place.repository)) &&
      (each.environment === undefined || each.environment === place.environment),
  );
  const named = rule?.[role] ?? access[role];
  // Where all who are named belong to other workspaces, it is nobody here.
  if (named !== undefined) return idsIn(named, place.team, access.bareIds);
  return role === 'admin' ? [] : null;
}

/** User groups whose members matter for what somebody may do somewhere: being named for one thing bears on another. */
export function roleGroups(
  access: Access,
  place: Place,
  matches: (rule: string, repository: string) => boolean,
): readonly string[] {
  const all = roles.flatMap((role) => holders(access, role, place, matches) ?? []);
  return [...new Set(all.filter(isGroup))];
}

export function isGroup(id: string): boolean {
  return id.startsWith('S');
}

/** Whether somebody was named for a role, rather than having it because everybody has. */
export function isNamed(
  access: Access,
  role: Role,
  by: { readonly id: string; readonly groups: readonly string[] },
  place: Place,
  matches: (rule: string, repository: string) => boolean,
): boolean {
  const list = holders(access, role, place, matches) ?? [];
  return list.some((id) => id === by.id || by.groups.includes(id));
}

/**
 * Whether somebody has a role. An admin has every other one too; whoever may do anything may look; and whoever was named
 * as a viewer and as nothing else may only look, also where everybody else may do more.
 */
export function hasRole(
  access: Access,
  role: Role,
  by: { readonly id: string; readonly groups: readonly string[] },
  place: Place,
  matches: (rule: string, repository: string) => boolean,
): boolean {
  const named = (each: Role) => isNamed(access, each, by, place, matches);
  const has = (each: Role) => hasRole(access, each, by, place, matches);
  if (named(role) || named('admin')) return true;
  const isOpen = holders(access, role, place, matches) === null && role !== 'admin';
  const mayDoMore = named('requester') || named('approver');
  if (role === 'viewer') return isOpen || mayDoMore || has('requester') || has('approver');
  return isOpen && (mayDoMore || !named('viewer'));
}

/** Whether somebody is named as a guest, or as one of another workspace, who is let in all the same. */
export function isLetIn(access: Access, as: 'guests' | 'strangers', id: string, team: string): boolean {
  return idsIn(access[as], team, access.bareIds).includes(id);
}

/** A person as far as deciding goes. */
export function asVoter(
  access: Access,
  by: Decider,
  groups: readonly string[],
  place: Place,
  matches: (rule: string, repository: string) => boolean,
): Voter {
  const who = { id: by.id, groups };
  return {
    ...by,
    groups,
    mayApprove: hasRole(access, 'approver', who, place, matches),
    isAdmin: hasRole(access, 'admin', who, place, matches),
    allowedOutsider: isLetIn(access, by.isStranger ? 'strangers' : 'guests', by.id, place.team),
  };
}
