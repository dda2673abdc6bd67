import type { ApprovalPolicy } from '../domain/approval.ts';
import { idsIn } from '../domain/slack-id.ts';
import type { PolicySettings } from '../policy/approval-settings.ts';
import { OWNERS_FILES, type Owners, parseOwners } from '../policy/code-owners.ts';
import { inWorkspace } from '../policy/in-workspace.ts';
import {
  addUp,
  type Match,
  matchChanges,
  matchCommand,
  matchCost,
  matchHandOver,
  matchRollback,
} from '../policy/requirements.ts';
import type { Workspace } from '../ports/workspace.ts';

/** What the policy says about a concrete thing: reads the change and CODEOWNERS, and asks the detectors. */
export class Findings {
  readonly #settings: PolicySettings;

  constructor(settings: PolicySettings) {
    this.#settings = settings;
  }

  get version(): string {
    return this.#settings.version;
  }

  ofCommand(argv: readonly string[]): Match[] {
    return matchCommand(this.#settings, argv);
  }

  /** US dollars above which the policy wants to be asked before more is spent; null where it says nothing of it. */
  get costThreshold(): number | null {
    const above = this.#thresholds();
    return above.length === 0 ? null : Math.min(...above);
  }

  /** The least threshold, not below an amount, above which the policy asks; null: it asks no more. */
  costCeiling(usd: number): number | null {
    const above = this.#thresholds().filter((each) => each >= usd);
    return above.length === 0 ? null : Math.min(...above);
  }

  /** @param costUsd what the work may cost in all, once this is allowed */
  ofCost(costUsd: number): Match[] {
    return matchCost(this.#settings, costUsd);
  }

  #thresholds(): number[] {
    return this.#settings.triggers.flatMap((trigger) =>
      trigger.when === 'cost' ? (trigger.above ?? []) : [],
    );
  }

  ofRollback(): Match[] {
    return matchRollback(this.#settings);
  }

  ofHandOver(): Match[] {
    return matchHandOver(this.#settings);
  }

  async ofChanges(workspace: Workspace, tree: string): Promise<Match[]> {
    return matchChanges(this.#settings, await workspace.changedFiles(tree));
  }

  /** A policy as it is written, as it holds in a workspace. */
  here(written: ApprovalPolicy, team: string): ApprovalPolicy {
    return inWorkspace(written, this.#settings, team);
  }

  /** The policy of one approval in a workspace: what it asks itself there (see `here`), and what matched. */
  async policyFor(
    team: string,
    own: ApprovalPolicy,
    matches: readonly Match[],
    workspace: Workspace | null,
  ): Promise<ApprovalPolicy> {
    const byOwners = matches.some(({ trigger }) => trigger.code_owners);
    const owners = byOwners && workspace !== null ? await ownersAt(workspace) : null;
    const here = (written: readonly string[]) => idsIn(written, team, this.#settings.bareIds);
    return addUp(own, this.#settings, matches, owners, here);
  }
}

/** CODEOWNERS as it was before the change: a change does not choose who allows it. */
async function ownersAt(workspace: Workspace): Promise<Owners | null> {
  for (const path of OWNERS_FILES) {
    const text = await workspace.readBase(path);
    if (text !== null) return parseOwners(text);
  }
  return null;
}
