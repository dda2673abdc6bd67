import { createHash } from 'node:crypto';
import { type Access, asVoter, type Place, roleGroups } from '../domain/access.ts';
import type { Decider, Voter } from '../domain/approval.ts';
import { type Delegation, type DelegationRefusal, LONGEST_MS } from '../domain/delegation.ts';
import type { Clock } from '../ports/clock.ts';
import type { DelegationStore } from '../ports/delegations.ts';
import type { Directory } from '../ports/directory.ts';

export interface AbsencesDeps {
  readonly delegations: DelegationStore;
  readonly directory: Directory;
  readonly access: Access;
  readonly clock: Clock;
}

export type Delegated =
  | { readonly ok: true; readonly delegation: Delegation }
  | { readonly ok: false; readonly refusal: DelegationRefusal };

/**
 * Who decides while somebody is away. Naming somebody gives them a place, not a right: the role of both, four eyes and
 * all else are looked at when they decide, and again when what they allowed begins.
 */
export class Absences {
  readonly #deps: AbsencesDeps;

  constructor(deps: AbsencesDeps) {
    this.#deps = deps;
  }

  /** @param intent the same for the same command, so that a redelivery changes nothing */
  async delegate(from: Decider, to: string, until: number, intent: string): Promise<Delegated> {
    const { delegations, directory, clock } = this.#deps;
    const now = clock.now();
    const refuse = (refusal: DelegationRefusal): Delegated => ({ ok: false, refusal });
    if (to === from.id) return refuse('self');
    if (until <= now) return refuse('past');
    if (until > now + LONGEST_MS) return refuse('too_long');
    if (!(await this.#mayApprove(from))) return refuse('own_role');
    const other = await directory.person(to, from.team, true);
    if (other.isBot) return refuse('not_a_person');
    if (other.isGuest || other.isStranger) return refuse('outsider');
    if (!(await this.#mayApprove(other))) return refuse('no_role');
    const id = `dlg_${createHash('sha256').update(intent).digest('hex').slice(0, 20)}`;
    const delegation = { id, team: from.team, from: from.id, to, since: now, until };
    await delegations.make(delegation, now);
    return { ok: true, delegation: { ...delegation, endedAt: null } };
  }

  /** @returns what was taken back */
  async back(team: string, from: string): Promise<Delegation[]> {
    return this.#deps.delegations.end(team, from, this.#deps.clock.now());
  }

  async list(team: string): Promise<Delegation[]> {
    return this.#deps.delegations.ofTeam(team, this.#deps.clock.now());
  }

  /** Anywhere: for what exactly is looked at when there is something to decide. */
  async #mayApprove(person: Decider): Promise<boolean> {
    const { access, directory } = this.#deps;
    const anywhere: Place[] = [
      { team: person.team, repository: '', environment: null },
      ...access.rules.map((rule) => ({
        team: person.team,
        repository: rule.repository ?? '',
        environment: rule.environment ?? null,
      })),
    ];
    const same = (rule: string, repository: string): boolean => rule === repository;
    for (const place of anywhere) {
      const asked = roleGroups(access, place, same);
      const groups: string[] = [];
      for (const group of asked)
        if ((await directory.members(group, person.team, true)).includes(person.id)) groups.push(group);
      const voter: Voter = asVoter(access, person, groups, place, same);
      if ((person.isGuest || person.isStranger) && !voter.allowedOutsider) return false;
      if (!person.isBot && voter.mayApprove) return true;
    }
    return false;
  }
}
