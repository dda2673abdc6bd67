import type { ApprovalPolicy, ApprovalStatus } from '../../src/domain/approval.ts';
import { rollbackPayload } from '../../src/orchestrator/rollback/content.ts';
import { GROUP, type World } from './world.ts';

/** What is asked about: anything; a budget that is used up; taking a run back. */
export type Kind = 'plain' | 'budget' | 'rollback';

/** Soon enough that a question goes from the reminder to those on call before its time is up. */
export const REMIND_AFTER = 20;
export const ESCALATE_AFTER = 60;
const CALLING = { urgency: 'normal', channel: 'C0HELP', onCall: 'S0ONCALL', quiet: null } as const;

interface Question {
  readonly kind: Kind;
  readonly policy: Partial<ApprovalPolicy>;
}
const plain = (policy: Partial<ApprovalPolicy>): Question => ({ kind: 'plain', policy });

export const QUESTIONS: readonly Question[] = [
  plain({}),
  plain({ fourEyes: true }),
  plain({ count: 2 }),
  plain({ groups: [GROUP] }),
  plain({ groups: [GROUP], count: 2, fourEyes: true, escalateTo: ['UALICE'], escalation: CALLING }),
  plain({ people: ['UBOB', 'UALICE'], fourEyes: true }),
  plain({
    requirements: [{ trigger: 'files', why: 'w', anyone: false, people: ['UDAVE'], groups: [], count: 1 }],
    groups: [GROUP],
  }),
  plain({ requirements: [{ trigger: 'deploy', why: 'w', anyone: false, people: [], groups: [], count: 1 }] }),
  plain({ problem: 'approvals.triggers: nonsense' }),
  plain({ executeWithinMs: 0 }),
  // Deputies who may decide, and whoever asked for the work, who may not.
  plain({
    people: ['UBOB'],
    escalateTo: ['UCAROL', 'UADMIN'],
    deputies: ['UCAROL', 'UADMIN'],
    escalation: CALLING,
  }),
  plain({ people: ['UDAVE', 'UBOB'], count: 2, fourEyes: true, escalateTo: ['UALICE'], escalation: CALLING }),
  { kind: 'budget', policy: { executeWithinMs: 0, escalateTo: ['UDAVE'], escalation: CALLING } },
  { kind: 'budget', policy: { executeWithinMs: 0, people: ['UBOB'], fourEyes: true } },
  { kind: 'rollback', policy: { fourEyes: true } },
  { kind: 'rollback', policy: { groups: [GROUP], fourEyes: true } },
];

export const MOVES = ['files', 'branch', 'position', 'status', 'definition', 'policy'] as const;
export type Move = (typeof MOVES)[number];

/** How a run stands that somebody wants taken back. */
export type Stand = Readonly<Record<Move, number>>;
export const STANDS: Stand = { files: 0, branch: 0, position: 0, status: 0, definition: 0, policy: 0 };
const STATUSES = ['paused', 'failed', 'completed'] as const;

/** What is hashed of it: by Baton's own way of putting it. */
export async function boundTo(w: World, id: string, stand: Stand): Promise<string> {
  const request = {
    target: `run_of_${id}`,
    level: 'state' as const,
    point: { seq: 5, tree: 'tree-then', at: 1, label: 'after one' },
    by: 'UALICE',
  };
  const payload = await rollbackPayload(
    request,
    {
      session: { repository: 'web' },
      status: STATUSES[stand.status % STATUSES.length] ?? 'paused',
      spec: { hash: `definition-${stand.definition}` },
      head: `tree-${stand.files}`,
      tip: `commit-${stand.branch}`,
      position: { [request.target]: 10 + stand.position },
      past: { branch: 'baton/work', base: 'base', baseTree: async () => 'tree-base' },
    },
    `policy-${stand.policy}`,
  );
  return w.bound(payload);
}

/** Somebody's yes: from whose seat, and for which needs it counted then. */
export interface Yes {
  readonly seat: string;
  readonly needs: readonly number[];
}

/** What the test knows on its own of an approval, to compare with what the parts made of it. */
export interface Known {
  readonly id: string;
  readonly number: number;
  readonly runId: string;
  readonly nonce: string;
  readonly kind: Kind;
  readonly shown: string;
  readonly openedWith: Partial<ApprovalPolicy>;
  readonly requestedAt: number;
  readonly expiresAt: number;
  /** Of a rollback: how the run stands now. When it was asked, all of it was nought. */
  stand: Stand;
  status: ApprovalStatus;
  decidedBy: string | null;
  /** Everybody whose yes was accepted. */
  readonly yes: Map<string, Yes>;
  acted: number;
  glass: boolean;
}
