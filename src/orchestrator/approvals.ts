import { type Access, asVoter, type Place, roleGroups } from '../domain/access.ts';
import type { Approval, Decider, Verdict, Voter } from '../domain/approval.ts';
import {
  type DecideResult,
  groupsOf,
  notAllowed,
  notOpen,
  type TakeResult,
} from '../domain/approval-rules.ts';
import { editProblem } from '../domain/conflict-edit.ts';
import { holds } from '../domain/delegation.ts';
import { rootRun } from '../domain/run.ts';
import type { Clock } from '../ports/clock.ts';
import type { DelegationStore } from '../ports/delegations.ts';
import type { Directory } from '../ports/directory.ts';
import type { Redact } from '../ports/redactor.ts';
import type { ApprovalStore, SessionStore } from '../ports/store.ts';

export interface ApprovalsDeps {
  readonly approvals: ApprovalStore;
  readonly sessions: Pick<SessionStore, 'byRun'>;
  readonly directory: Directory;
  readonly delegations: Pick<DelegationStore, 'ofTeam'>;
  readonly access: Access;
  /** Whether a rule of the settings means this repository. */
  readonly sameRepository: (rule: string, repository: string) => boolean;
  /** Digest of what an approval is about, as it is now. Throws when that cannot be told. */
  readonly digestNow: (approval: Approval, now: number) => Promise<string>;
  /** Tells the run that something was decided. */
  readonly decided: (approval: Approval) => void;
  readonly clock: Clock;
  readonly redact: Redact;
}

/** Somebody's word, with where they said it. */
export interface Said {
  readonly nonce: string;
  readonly by: Decider;
  /** A channel's id, or the part of Baton that passed it on. */
  readonly place: string;
}

/**
 * What people do about approvals, whatever door they came through. Who somebody is, which groups they are in and
 * what the content is now are looked at first; when any of it cannot be told, the answer is no (A13).
 */
export class Approvals {
  readonly #deps: ApprovalsDeps;

  constructor(deps: ApprovalsDeps) {
    this.#deps = deps;
  }

  /**
   * Approve, reject or send back. Null when there is no such approval.
   * @param amount to how much a budget is to be raised; what the question offers unless given
   */
  async decide(
    said: Said,
    verdict: Verdict,
    comment: string | null,
    amount?: number,
  ): Promise<DecideResult | null> {
    const { approvals, redact } = this.#deps;
    const clean = comment === null ? null : redact(comment);
    return this.#say(said, verdict, async (word, approval) => {
      const digest = await this.#digestFor(word.by, approval);
      return approvals.decide({ ...word, verdict, comment: clean, digest, amount });
    });
  }

  /** Whether somebody may decide at all, to give them a form at once. Changes nothing, keeps nothing, and looks at no worktree. */
  async look({ nonce, by }: Omit<Said, 'place'>): Promise<DecideResult | null> {
    const { approvals, clock } = this.#deps;
    const approval = await approvals.byNonce(nonce);
    if (approval === null) return null;
    try {
      const voter = await this.voter(by, approval);
      const refusal = notOpen(approval, voter, clock.now()) ?? notAllowed(approval, voter);
      return refusal === null ? { ok: true, approval } : { ok: false, refusal, approval };
    } catch {
      return { ok: false, refusal: 'unchecked', approval };
    }
  }

  /** What somebody wrote in place of choosing a side: as a decision, and only where that was offered. */
  async edit(said: Said, text: string): Promise<DecideResult | null> {
    const { approvals, redact } = this.#deps;
    return this.#say(said, 'edit', async (word, approval) => {
      const digest = await this.#digestFor(word.by, approval);
      // The form told them so already: whatever comes here all the same goes nowhere, and no secret is kept.
      if (editProblem(text, redact) !== null) {
        const refusal = 'not_editable';
        await approvals.refused({ ...word, by: word.by.id, refusal, verdict: 'edit' });
        return { ok: false, refusal, approval };
      }
      return approvals.decide({ ...word, verdict: 'request_changes', comment: null, digest, edited: text });
    });
  }

  /** Whether somebody's word about what they were shown would count now. A no is kept in the audit, with what they wanted. */
  async check(said: Said, choice: string): Promise<DecideResult | null> {
    return this.#say(said, choice, async (word, approval) =>
      this.#deps.approvals.check({ ...word, choice, digest: await this.#digestFor(word.by, approval) }),
    );
  }

  /** An admin's way past who may decide, with a reason. */
  async breakGlass(said: Said, reason: string): Promise<DecideResult | null> {
    const { approvals, redact } = this.#deps;
    return this.#say(said, 'break_glass', async (word, approval) => {
      const digest = word.by.isAdmin ? await this.#digest(approval, word.by) : approval.subject.digest;
      return approvals.breakGlass({ ...word, reason: redact(reason), digest });
    });
  }

  /** A question before deciding; the approval stays open. @param id the same for the same question */
  async ask(said: Said, id: string, text: string): Promise<DecideResult | null> {
    const { approvals, redact } = this.#deps;
    return this.#say(said, 'ask', async (word, approval) => {
      const asked = await approvals.ask({ ...word, id, text: redact(text) });
      if (asked) return { ok: true, approval };
      // It may have been decided in between: then that is the reason.
      const refusal =
        notOpen(approval, word.by, word.now) ?? notAllowed(approval, word.by) ?? 'already_decided';
      await approvals.refused({ ...word, by: word.by.id, refusal, verdict: 'ask' });
      return { ok: false, refusal, approval };
    });
  }

  /**
   * Takes an approval for the action that is about to begin: everybody who said yes is asked about anew, and what
   * will be carried out is compared with what was shown.
   */
  async take(id: string, key: string, digest: string): Promise<TakeResult> {
    const { approvals, clock } = this.#deps;
    const approval = await approvals.byId(id);
    if (approval === null) throw new Error(`There is no approval ${id}`);
    const said = approval.breakGlass === null ? approval.votes.map(({ by }) => by) : [approval.breakGlass.by];
    const voters =
      approval.status === 'approved'
        ? await Promise.all(said.map((user) => this.voterNow(user, approval, true)))
        : [];
    return approvals.take({ id, key, digest, voters, now: clock.now() });
  }

  /**
   * What a person may do about an approval: with their groups and roles, as they are known now, and with those in
   * whose place they may speak at this moment.
   */
  async voter(by: Decider, approval: Approval, fresh = false): Promise<Voter> {
    const { clock, delegations, directory } = this.#deps;
    const own = await this.#known(by, approval, fresh);
    const now = clock.now();
    const away = (await delegations.ofTeam(approval.team, now)).filter(
      (each) => each.to === by.id && each.from !== by.id && holds(each, now),
    );
    if (away.length === 0 || by.team !== approval.team) return own;
    const standsFor = await Promise.all(
      away.map(async ({ from }) =>
        this.#known(await directory.person(from, approval.team, fresh), approval, fresh),
      ),
    );
    return { ...own, standsFor };
  }

  /** The same for somebody who is not here themselves. */
  async voterNow(user: string, approval: Approval, fresh = false): Promise<Voter> {
    return this.voter(await this.#deps.directory.person(user, approval.team, fresh), approval, fresh);
  }

  async #known(by: Decider, approval: Approval, fresh: boolean): Promise<Voter> {
    const { access, directory, sameRepository } = this.#deps;
    const place = await this.#place(approval);
    const asked = [...new Set([...groupsOf(approval.policy), ...roleGroups(access, place, sameRepository)])];
    const groups = await Promise.all(
      asked.map(async (group) => {
        const members = await directory.members(group, approval.team, fresh);
        return members.includes(by.id) ? [group] : [];
      }),
    );
    return asVoter(access, by, groups.flat(), place, sameRepository);
  }

  async #place({ runId, policy, team }: Approval): Promise<Place> {
    const session = await this.#deps.sessions.byRun(rootRun(runId));
    return { team, repository: session?.repository ?? '', environment: policy.environment };
  }

  /** Whoever may not decide anyway makes nobody look at the worktree, and withdraws nothing. */
  async #digestFor(by: Voter, approval: Approval): Promise<string> {
    const open = approval.status === 'pending' && notAllowed(approval, by) === null;
    return open ? this.#digest(approval, by) : approval.subject.digest;
  }

  async #digest(approval: Approval, by: Voter): Promise<string> {
    if (by.team !== approval.team) return approval.subject.digest;
    return this.#deps.digestNow(approval, this.#deps.clock.now());
  }

  /** Looks up who speaks about what, and lets them. Whatever cannot be looked up is a refusal of its own. */
  async #say(
    { nonce, by, place }: Said,
    verdict: string,
    act: (
      word: { nonce: string; by: Voter; place: string; now: number },
      approval: Approval,
    ) => Promise<DecideResult | null>,
  ): Promise<DecideResult | null> {
    const { approvals, clock, decided } = this.#deps;
    const approval = await approvals.byNonce(nonce);
    if (approval === null) return null;
    let result: DecideResult | null;
    try {
      const voter = await this.voter(by, approval);
      result = await act({ nonce, by: voter, place, now: clock.now() }, approval);
    } catch {
      const now = clock.now();
      await approvals.refused({ nonce, by: by.id, refusal: 'unchecked', verdict, place, now });
      return { ok: false, refusal: 'unchecked', approval };
    }
    decided(approval);
    return result;
  }
}
