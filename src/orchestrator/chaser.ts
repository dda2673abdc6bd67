import type { Approval, Voter } from '../domain/approval.ts';
import { missing, notAllowed } from '../domain/approval-rules.ts';
import type { Delegation } from '../domain/delegation.ts';
import { nextDeed, type Waiting } from '../domain/escalation.ts';
import { awakeFrom, Clocks } from '../domain/local-time.ts';
import type { DelegationStore } from '../ports/delegations.ts';
import type { Directory } from '../ports/directory.ts';
import type { ApprovalStore } from '../ports/store.ts';
import type { Approvals } from './approvals.ts';

export interface ChaserDeps {
  readonly store: {
    readonly approvals: Pick<ApprovalStore, 'byId' | 'nudged' | 'deedsOf'>;
    readonly delegations: Pick<DelegationStore, 'ofTeam'>;
  };
  readonly approvals: Pick<Approvals, 'voterNow'>;
  readonly directory: Directory;
}

/** Groups with more members than this are called as groups; asking each by DM would reach nobody any better. */
const MOST_OF_GROUP = 10;

/**
 * Sees to it that a question reaches somebody who can answer it. What is done, and when, is decided by one pure
 * function (`nextDeed`) each time anew, since people come and go. What cannot be looked up counts for nothing:
 * an unknown zone has no night, and a group that is not told has no members. Asking does not give anybody a right.
 */
export class Chaser {
  readonly #deps: ChaserDeps;
  readonly #clocks = new Clocks();

  constructor(deps: ChaserDeps) {
    this.#deps = deps;
  }

  /** Does all that is due. @returns when to look again; null when nothing more comes */
  async chase(approvalId: string, now: number): Promise<number | null> {
    for (;;) {
      const approval = await this.#deps.store.approvals.byId(approvalId);
      if (approval?.status !== 'pending') return null;
      const waiting = await this.#waiting(approval, now);
      const next = nextDeed(waiting, now, this.#clocks);
      if (next === null || next.at > now) return next?.at ?? null;
      const calling = next.deed.kind === 'remind' ? this.#awake(waiting, now) : undefined;
      await this.#deps.store.approvals.nudged(approvalId, next.deed, now, calling);
    }
  }

  /** Those who decide, or who are there for them, and may be disturbed at this hour. */
  #awake({ approvers, barred, delegations, zones, escalation }: Waiting, now: number): string[] {
    const quiet = escalation.urgency === 'critical' ? null : escalation.quiet;
    const there = approvers.map(
      (id) =>
        delegations.find(({ from, to, since }) => from === id && since <= now && !barred.has(to))?.to ?? id,
    );
    return [...new Set(there)].filter((id) => {
      const zone = zones.get(id);
      return !barred.has(id) && (zone === undefined || awakeFrom(now, zone, quiet, this.#clocks) === now);
    });
  }

  async #waiting(approval: Approval, now: number): Promise<Waiting> {
    const { store } = this.#deps;
    const { policy, requestedAt, expiresAt, team, id } = approval;
    const standing = await store.delegations.ofTeam(team, now);
    const approvers = await this.#approvers(approval);
    const named = [...new Set([...approvers, ...policy.escalateTo])];
    const stand = standing.filter(({ from }) => named.includes(from));
    const everybody = [...new Set([...named, ...stand.map(({ to }) => to)])];
    const zones = new Map<string, string>();
    const barred = new Set<string>();
    await Promise.all(
      everybody.map(async (person) => {
        const zone = await this.#quietly(() => this.#deps.directory.zone(person, team));
        if (zone !== null) zones.set(person, zone);
        if (await this.#isBarred(person, approval, stand)) barred.add(person);
      }),
    );
    return {
      requestedAt,
      expiresAt,
      remindAfterMs: policy.remindAfterMs,
      escalateAfterMs: policy.escalateAfterMs,
      escalation: policy.escalation,
      approvers,
      deputies: policy.escalateTo,
      barred,
      delegations: stand,
      zones,
      done: await store.approvals.deedsOf(id),
    };
  }

  /** People named by what is not met yet, and members of the groups it names. */
  async #approvers({ policy, votes, team }: Approval): Promise<string[]> {
    const open = missing(policy, votes).map(({ requirement }) => requirement);
    const people = open.flatMap((each) => each.people);
    const groups = [...new Set(open.flatMap((each) => each.groups))];
    const members = await Promise.all(
      groups.map(async (group) => {
        const found = (await this.#quietly(() => this.#deps.directory.members(group, team, false))) ?? [];
        return found.length > MOST_OF_GROUP ? [] : found;
      }),
    );
    return [...new Set([...people, ...members.flat()])];
  }

  /** Whoever has voted, and whoever may not decide on this at all. */
  async #isBarred(person: string, approval: Approval, stand: readonly Delegation[]): Promise<boolean> {
    // Who has spoken, and for whom somebody has.
    if (approval.votes.some(({ by, inPlaceOf }) => by === person || inPlaceOf === person)) return true;
    const voter: Voter | null = await this.#quietly(() => this.#deps.approvals.voterNow(person, approval));
    if (voter === null) return false;
    const refusal = notAllowed(approval, voter);
    // A delegation to come gives nothing yet: then the question is whether it will.
    const toCome = refusal === 'not_eligible' && stand.some(({ to }) => to === person);
    return refusal !== null && !toCome;
  }

  async #quietly<T>(look: () => Promise<T>): Promise<T | null> {
    try {
      return await look();
    } catch {
      return null;
    }
  }
}
