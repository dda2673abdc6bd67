import type { Approval } from '../domain/approval.ts';
import type { Plan, Range } from '../domain/events.ts';
import type { Measure } from '../domain/rubric.ts';
import type { RunStatus } from '../domain/run.ts';
import type { Sign } from './format.ts';

/**
 * What the builders draw: plain data, made by projections from events and rows. People are Slack user ids,
 * money is US dollars (null: no price known), times are milliseconds.
 */

/** The epic before anybody said Start. */
export interface PlanView {
  readonly runId: string;
  readonly requester: string;
  readonly plan: Plan;
  /** The cast plays the agents. */
  readonly rehearsal: boolean;
  /** False once it was started or cancelled from elsewhere: no buttons. */
  readonly open: boolean;
}

/** One agent's line in the epic. */
export interface AgentLine {
  readonly agent: string;
  readonly sign: Sign;
  /** What it does now, or what came of it. */
  readonly doing: string | null;
  /** People it waits for; drawn when the sign is `needs_person`. */
  readonly needs: readonly string[];
  /** Null: not begun. */
  readonly elapsedMs: number | null;
  /** Undefined: nothing used yet. */
  readonly costUsd: number | null | undefined;
}

/** Why an epic under way stands where it stands. */
export type EpicState =
  | { readonly status: 'queued' }
  | { readonly status: 'running' }
  /** A person's answer is needed: what for, and whose. No people: anybody may answer. */
  | { readonly status: 'waiting'; readonly what: string; readonly people: readonly string[] }
  /** `hint` says what to do; Retry is offered when `canRetry`. */
  | {
      readonly status: 'paused';
      readonly reason: string;
      readonly hint: string | null;
      readonly canRetry: boolean;
      /** Somebody paused it, rather than something that went wrong. */
      readonly byPerson: boolean;
    };

interface EpicBase {
  readonly runId: string;
  readonly title: string;
  readonly repository: string;
  readonly requester: string;
  readonly rehearsal: boolean;
  /** Commands run without a sandbox. */
  readonly unsandboxed: boolean;
  readonly elapsedMs: number;
  readonly costUsd: number | null;
  readonly agents: readonly AgentLine[];
}

/** The epic while it is under way. */
export interface EpicView extends EpicBase {
  /** 0-1. */
  readonly progress: number;
  readonly leftMs: number | null;
  readonly budgetUsd: number | null;
  readonly state: EpicState;
}

/** How a run ended. */
export type EpicEnd =
  | { readonly status: 'completed' }
  /** `tried` and `kept` are short phrases. */
  | {
      readonly status: 'failed';
      readonly what: string;
      readonly tried: readonly string[];
      readonly kept: readonly string[];
      readonly hint: string | null;
    }
  /** People took what was there when its budget was used up; `by` is null where that is not known any more. */
  | {
      readonly status: 'delivered';
      readonly by: string | null;
      readonly kept: readonly string[];
      readonly hint: string | null;
    }
  /** `by` is null when it was not a person. */
  | { readonly status: 'cancelled'; readonly by: string | null; readonly kept: readonly string[] };

/** The epic at its end. */
export interface EndView extends EpicBase {
  readonly end: EpicEnd;
  readonly summary: string;
  readonly estimate: { readonly costUsd: Range | null; readonly durationMs: Range } | null;
  readonly branch: string | null;
  readonly diff: { readonly files: number; readonly added: number; readonly removed: number } | null;
  readonly tests: { readonly passed: number; readonly failed: number } | null;
  /** Who approved, in order. */
  readonly approvals: readonly string[];
  /** Rounds of review. */
  readonly rounds: number;
  /** What it was judged to be worth, 0 to 100, and by which weighted measures. */
  readonly rubric: { readonly quality: number; readonly measures: readonly Measure[] } | null;
  /** The pull request it was handed over with. */
  readonly pullRequest: { readonly number: number; readonly url: string } | null;
}

/** An approval as a card shows it, whatever its status. */
export interface ApprovalView {
  readonly approval: Approval;
  readonly epicTitle: string;
  /** The agent or the part of Baton that asks. */
  readonly askedBy: string | null;
  /** What the run has cost so far in US dollars; null: no price known. */
  readonly costUsd: number | null;
  readonly rehearsal: boolean;
}

/** What goes into the thread beside approvals. */
export type Notice =
  | {
      readonly kind: 'handoff';
      readonly from: string;
      readonly to: string;
      readonly summary: string;
      readonly warnings: readonly string[];
    }
  | {
      readonly kind: 'tests';
      readonly command: string;
      readonly exitCode: number | null;
      readonly passed: number | null;
      readonly failed: number | null;
      readonly tail: string;
    }
  | {
      readonly kind: 'decision';
      /** A user id when `byPerson`, else the part of Baton that chose. */
      readonly actor: string;
      readonly byPerson: boolean;
      readonly choice: string;
      readonly reason: string;
      readonly alternatives: readonly string[];
    }
  | {
      readonly kind: 'result';
      readonly status: 'completed' | 'delivered' | 'failed' | 'cancelled';
      readonly summary: string;
      readonly branch: string | null;
    }
  | {
      readonly kind: 'note';
      readonly text: string;
      /** Whoever of the people chose it. */
      readonly chosenBy?: string | null;
    };

/** What people read of where a run stands: a run that was delivered at its budget did not fail. */
export type ShownStatus = RunStatus | 'delivered';

/** A run as `status`, `list` and `show` tell of it. */
export interface RunLine {
  readonly runId: string;
  readonly title: string;
  readonly repository: string;
  readonly requester: string;
  readonly status: ShownStatus;
  /** 0-1; null before the plan was started. */
  readonly progress: number | null;
  readonly elapsedMs: number;
  readonly costUsd: number | null;
  /** What it does now, or why it stands. */
  readonly doing: string | null;
  readonly createdAt: number;
}

/** One run in full, as `show` tells of it. */
export interface RunDetail extends RunLine {
  readonly pattern: string;
  readonly agents: readonly AgentLine[];
  readonly branch: string | null;
  readonly decisions: readonly {
    readonly at: number;
    readonly actor: string;
    readonly byPerson: boolean;
    readonly choice: string;
  }[];
}

/** The form that an empty `/orchestrate` opens. */
export interface StartFormView {
  readonly workflows: readonly { readonly name: string; readonly description: string }[];
  readonly chosen: string | null;
  readonly request: string;
  readonly repository: string;
  /** Carried in the view, to know where the epic belongs. */
  readonly channel: string;
}

/** The words `/orchestrate` knows. */
export interface CommandHelp {
  readonly usage: string;
  readonly description: string;
  /** The name of the workflow that it starts; absent for the fixed words. */
  readonly starts?: string;
  /** What it is for, as the heading it stands under. */
  readonly heading?: string;
}

/** The form that edits a plan. */
export interface PlanFormView {
  readonly runId: string;
  /** What can be left out, with who works in it. */
  readonly stages: readonly { readonly id: string; readonly agents: readonly string[] }[];
  readonly order: readonly string[];
  readonly groups: readonly {
    readonly node: string;
    readonly way: 'sequence' | 'parallel';
    readonly members: readonly string[];
  }[];
  readonly agents: readonly {
    readonly node: string;
    readonly agent: string;
    readonly candidates: readonly string[];
  }[];
  /** As typed: dollars, and a duration. */
  readonly budget: string;
  readonly deadline: string;
}

/** The form that keeps a plan as a workflow. */
export interface SaveFormView {
  readonly runId: string;
  readonly title: string;
  readonly name: string;
}
