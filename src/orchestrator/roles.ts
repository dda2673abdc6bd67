import {
  type Access,
  closedAccess,
  hasRole,
  isLetIn,
  isNamed,
  type Role,
  roleGroups,
} from '../domain/access.ts';
import type { Decider } from '../domain/approval.ts';
import type { StartRefusal } from '../domain/control.ts';
import { sameRepository } from '../policy/repositories.ts';
import type { Directory } from '../ports/directory.ts';
import type { Session } from '../ports/store.ts';

export interface RolesDeps {
  readonly access: Access;
  readonly directory: Directory;
}

/** Why somebody may not steer a run: it is somebody else's, or they may not at all. */
export type SteerRefusal = 'not_yours' | 'not_allowed';

/**
 * The one gate for what people may do, whatever door they come through. Deciding has its own rules beside it (`Approvals`).
 * Groups are read when it matters; what cannot be looked up throws, and then nothing is done.
 */
export class Roles {
  readonly #deps: RolesDeps;

  constructor(deps: RolesDeps) {
    this.#deps = deps;
  }

  /** Why somebody has no business here at all, as a guest, a stranger or no person; null when they may come in. */
  outsider(by: Decider): Extract<StartRefusal, 'guest' | 'stranger' | 'not_a_person' | 'unreadable'> | null {
    const { access } = this.#deps;
    if (by.isBot) return 'not_a_person';
    if (access === closedAccess) return 'unreadable';
    if (by.isStranger && !isLetIn(access, 'strangers', by.id, by.team)) return 'stranger';
    return by.isGuest && !isLetIn(access, 'guests', by.id, by.team) ? 'guest' : null;
  }

  /** Whether somebody has a role for a repository. */
  async has(role: Role, by: Decider, repository: string): Promise<boolean> {
    const { place, who } = await this.#at(by, repository);
    return hasRole(this.#deps.access, role, who, place, sameRepository);
  }

  /** Why somebody may not look at runs of a repository, or (null) of any at all; null when they may. */
  async looks(by: Decider, repository: string | null): Promise<StartRefusal | null> {
    const outside = this.outsider(by);
    if (outside !== null || !this.#isClosed()) return outside;
    const places = repository === null ? this.#places() : [repository];
    for (const place of places) if (await this.has('viewer', by, place)) return null;
    return 'look';
  }

  /** Why somebody may ask for work nowhere at all; null when there is a repository where they may. */
  async asks(by: Decider): Promise<StartRefusal | null> {
    const outside = this.outsider(by);
    if (outside !== null) return outside;
    for (const place of this.#places()) if (await this.has('requester', by, place)) return null;
    return 'role';
  }

  /** Whether somebody may look at a session's runs. Nobody is asked about where all members may. */
  async sees(session: Session, user: string): Promise<boolean> {
    if (!this.#isClosed()) return true;
    const by = await this.#deps.directory.person(user, session.team, false);
    return (await this.looks(by, session.repository)) === null;
  }

  /** Whether looking is anybody's in particular. */
  #isClosed(): boolean {
    const { viewer, rules } = this.#deps.access;
    return viewer !== undefined || rules.some((rule) => rule.viewer !== undefined);
  }

  /**
   * Whether somebody may steer a session's runs; null when they may. Whoever asked for the work may, as long as they may
   * ask for work; so may those who were named as approvers there, and admins.
   */
  async steers(session: Session, user: string): Promise<SteerRefusal | null> {
    const { access, directory } = this.#deps;
    const by = await directory.person(user, session.team, false);
    if (this.outsider(by) !== null) return 'not_allowed';
    const { place, who } = await this.#at(by, session.repository);
    const has = (role: Role) => hasRole(access, role, who, place, sameRepository);
    if (isNamed(access, 'approver', who, place, sameRepository) || has('admin')) return null;
    if (!has('requester')) return 'not_allowed';
    return user === session.requester ? null : 'not_yours';
  }

  /** One repository for each rule that names one, and one that none names. */
  #places(): readonly string[] {
    return ['', ...this.#deps.access.rules.flatMap((rule) => rule.repository ?? [])];
  }

  async #at(by: Decider, repository: string) {
    const { access, directory } = this.#deps;
    const place = { team: by.team, repository, environment: null };
    const groups: string[] = [];
    for (const group of roleGroups(access, place, sameRepository))
      if ((await directory.members(group, by.team, false)).includes(by.id)) groups.push(group);
    return { place, who: { id: by.id, groups } };
  }
}
