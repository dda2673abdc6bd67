import type { Approval, ApprovalStatus } from '../../src/domain/approval.ts';
import { approvalStatuses, policyDefaults } from '../../src/domain/approval.ts';
import type { Plan } from '../../src/domain/events.ts';
import type { View } from '../../src/slack/blocks.ts';
import {
  answerBlocks,
  forwardedBlocks,
  helpBlocks,
  runDetailBlocks,
  runListBlocks,
} from '../../src/slack/builders/answers.ts';
import { approvalCard, approvalClosed, approvalReminder } from '../../src/slack/builders/approval.ts';
import { approvalDm, calledGroup, raisedCard, whoWasAsked } from '../../src/slack/builders/chasing.ts';
import { endBlocks } from '../../src/slack/builders/ending.ts';
import { epicBlocks } from '../../src/slack/builders/epic.ts';
import { askForm, changesForm, rejectForm, startForm } from '../../src/slack/builders/modals.ts';
import { noticeBlocks } from '../../src/slack/builders/notices.ts';
import { planBlocks } from '../../src/slack/builders/plan.ts';
import { planEditForm, planSendBackForm, saveForm } from '../../src/slack/builders/plan-forms.ts';
import { steerForm } from '../../src/slack/builders/steer-form.ts';
import type { signs } from '../../src/slack/format.ts';
import type { Message } from '../../src/slack/message.ts';
import type {
  AgentLine,
  ApprovalView,
  EndView,
  EpicState,
  EpicView,
  RunDetail,
} from '../../src/slack/views.ts';
import { answers, refusalWords } from '../../src/slack/words.ts';
import { budgetMessages, budgetViews } from './budget-samples.ts';
import { conflictMessages, conflictViews } from './conflict-samples.ts';
import { type Foreign, many } from './foreign.ts';
import { movedMessages } from './moved-samples.ts';
import { rollbackMessage, rollbackView } from './rollback-sample.ts';
import { taskMessages, taskViews } from './task-samples.ts';

const AT = Date.UTC(2026, 2, 4, 16, 12);
const signNames = [
  'waiting',
  'in_progress',
  'done',
  'needs_person',
  'failed',
  'paused',
  'skipped',
] as const satisfies (keyof typeof signs)[];

export function planOf(f: Foreign): Plan {
  return {
    title: f.text,
    workflow: 'feature',
    repository: f.text,
    pattern: f.text,
    why: f.text,
    agents: many(f, (i) => ({ agent: `${f.text}${i}`, tasks: many(f, () => f.text) })),
    filesLikely: many(f, () => f.text),
    costUsd: { low: 0.7, mid: 1.1, high: 2 },
    durationMs: { low: 480_000, mid: 720_000, high: 1_200_000 },
    asks: 2,
    warnings: many(f, () => f.text),
    changedBy: f.alice,
    changes: many(f, () => f.text),
    notes: many(f, () => f.text),
    alternatives: many(f, (i) => ({
      workflow: `w${i}`,
      title: f.text,
      how: f.text,
      tradeOff: f.text,
    })),
  };
}

export function agentsOf(f: Foreign): AgentLine[] {
  return many(f, (i) => ({
    agent: f.text,
    sign: signNames[i % signNames.length] ?? 'waiting',
    doing: i % 2 === 0 ? f.text : null,
    needs: [f.bob],
    elapsedMs: i % 3 === 0 ? null : 72_000,
    costUsd: [undefined, null, 0.08][i % 3],
  }));
}

const base = (f: Foreign) => ({
  runId: 'run_1',
  title: f.text,
  repository: f.text,
  requester: f.alice,
  rehearsal: true,
  unsandboxed: true,
  elapsedMs: 300_000,
  costUsd: 0.46,
  agents: agentsOf(f),
});

export function epicOf(f: Foreign, state: EpicState): EpicView {
  return { ...base(f), progress: 0.41, leftMs: 420_000, budgetUsd: 5, state };
}

export function endOf(f: Foreign, end: EndView['end']): EndView {
  return {
    ...base(f),
    end,
    summary: f.text,
    estimate: {
      costUsd: { low: 0.7, mid: 1.1, high: 2 },
      durationMs: { low: 480_000, mid: 720_000, high: 1_200_000 },
    },
    branch: f.text,
    diff: { files: 9, added: 312, removed: 14 },
    tests: { passed: 27, failed: 0 },
    approvals: [f.bob, f.alice],
    pullRequest: null,
    rounds: 1,
    rubric: null,
  };
}

export function approvalOf(f: Foreign, status: ApprovalStatus = 'pending'): Approval {
  const closed = status !== 'pending';
  return {
    id: 'apr_1',
    nonce: 'nonce-1',
    runId: 'run_1',
    key: 'approve',
    team: 'T1',
    requester: f.alice,
    status,
    subject: {
      title: f.text,
      why: f.text,
      risk: f.text,
      payload: '{}',
      digest: '4f1c0000000000000000000000000000000000000000000000000000000000009a',
      excerpt: many(f, () => f.text).join('\n'),
      excerptCut: f.n > 5,
    },
    policy: {
      ...policyDefaults,
      people: f.n > 2 ? [f.bob, f.alice] : [],
      fourEyes: true,
      remindAfterMs: 1,
      escalateAfterMs: 2,
      expireAfterMs: 3,
      escalateTo: [f.bob],
    },
    requestedAt: AT,
    expiresAt: AT + 3_600_000,
    decidedBy: closed && status !== 'expired' && status !== 'voided' ? f.bob : null,
    decidedAt: closed ? AT : null,
    comment: closed ? f.text : null,
    votes: many(f, () => ({
      by: f.bob,
      verdict: 'approve' as const,
      comment: f.text,
      at: AT,
      shown: f.text,
      counts: [0],
    })),
    breakGlass: null,
    voidReason: null,
    executeBy: null,
    takenBy: null,
    takenAt: null,
    auditHash: closed ? 'a'.repeat(64) : null,
  };
}

export function approvalViewOf(f: Foreign, status?: ApprovalStatus): ApprovalView {
  return {
    approval: approvalOf(f, status),
    epicTitle: f.text,
    askedBy: f.text,
    costUsd: 0.46,
    rehearsal: true,
  };
}

export function detailOf(f: Foreign): RunDetail {
  return {
    runId: 'run_1',
    title: f.text,
    repository: f.text,
    requester: f.alice,
    status: 'running',
    progress: 0.4,
    elapsedMs: 60_000,
    costUsd: null,
    doing: f.text,
    createdAt: AT,
    pattern: f.text,
    agents: agentsOf(f),
    branch: f.text,
    decisions: many(f, (i) => ({
      at: AT,
      actor: i % 2 === 0 ? f.bob : f.text,
      byPerson: i % 2 === 0,
      choice: f.text,
    })),
  };
}

const refusals = [
  'already_decided',
  'expired',
  'not_eligible',
  'requester',
  'not_a_person',
  'guest',
  'stranger',
  'other_team',
  'content_changed',
] as const;

/** Every message Baton can write, by name. */
export function allMessages(f: Foreign): Record<string, Message> {
  const states: EpicState[] = [
    { status: 'queued' },
    { status: 'running' },
    { status: 'waiting', what: f.text, people: [f.bob] },
    { status: 'waiting', what: f.text, people: [] },
    { status: 'paused', reason: f.text, hint: f.text, canRetry: true, byPerson: false },
    { status: 'paused', reason: f.text, hint: null, canRetry: false, byPerson: true },
  ];
  const ends: EndView['end'][] = [
    { status: 'completed' },
    {
      status: 'failed',
      what: f.text,
      tried: many(f, () => f.text),
      kept: many(f, () => f.text),
      hint: f.text,
    },
    { status: 'delivered', by: f.bob, kept: [f.text], hint: f.text },
    { status: 'cancelled', by: f.bob, kept: [f.text] },
    { status: 'cancelled', by: null, kept: [] },
  ];
  const named: [string, Message][] = [
    ['rollback', rollbackMessage(f)],
    [
      'plan',
      planBlocks({ runId: 'run_1', requester: f.alice, plan: planOf(f), rehearsal: true, open: true }),
    ],
    [
      'plan without a price',
      planBlocks({
        runId: 'run_1',
        requester: f.alice,
        plan: { ...planOf(f), costUsd: null, agents: [] },
        rehearsal: false,
        open: false,
      }),
    ],
    ...states.map((state, i): [string, Message] => [
      `epic ${state.status} ${i}`,
      epicBlocks(epicOf(f, state)),
    ]),
    ...ends.map((end, i): [string, Message] => [`end ${end.status} ${i}`, endBlocks(endOf(f, end))]),
    [
      'end of nothing',
      endBlocks({
        ...endOf(f, { status: 'completed' }),
        branch: null,
        diff: null,
        tests: null,
        approvals: [],
        rounds: 0,
        agents: [],
        estimate: null,
      }),
    ],
    ['card', approvalCard(approvalViewOf(f))],
    ...budgetMessages((status) => approvalViewOf(f, status)),
    ...conflictMessages((status) => approvalViewOf(f, status)),
    ['DM', approvalDm(approvalViewOf(f), 1_200_000, { as: 'deputy', to: f.bob })],
    [
      'DM in a place',
      approvalDm(approvalViewOf(f), 1_200_000, { as: 'approver', to: f.alice, inPlaceOf: f.bob }),
    ],
    ...movedMessages(approvalViewOf(f), f.alice, f.bob),
    ['raised', raisedCard(approvalViewOf(f), 1_200_000)],
    ['called', calledGroup(approvalViewOf(f), 'S0ONCALL', 1_200_000)],
    [
      'told',
      whoWasAsked(approvalViewOf(f), [
        { deed: { kind: 'channel', channel: 'C1' }, at: 1_772_000_000_000 },
        { deed: { kind: 'direct', to: f.bob, as: 'deputy', inPlaceOf: f.bob }, at: 1_772_000_600_000 },
        { deed: { kind: 'on_call', group: 'S0ONCALL' }, at: 1_772_001_200_000 },
      ]),
    ],
    ['reminder', approvalReminder(approvalViewOf(f))],
    ...approvalStatuses.map((status): [string, Message] => [
      `closed ${status}`,
      approvalClosed(approvalViewOf(f, status)),
    ]),
    [
      'handoff',
      noticeBlocks(
        { kind: 'handoff', from: f.text, to: f.text, summary: f.text, warnings: many(f, () => f.text) },
        true,
      ),
    ],
    [
      'failing tests',
      noticeBlocks(
        { kind: 'tests', command: f.text, exitCode: 1, passed: 11, failed: 3, tail: f.text },
        true,
      ),
    ],
    [
      'passing tests',
      noticeBlocks(
        { kind: 'tests', command: f.text, exitCode: 0, passed: 14, failed: 0, tail: f.text },
        true,
      ),
    ],
    [
      'stopped tests',
      noticeBlocks(
        { kind: 'tests', command: f.text, exitCode: null, passed: null, failed: null, tail: f.text },
        true,
      ),
    ],
    [
      'decision',
      noticeBlocks(
        {
          kind: 'decision',
          actor: f.bob,
          byPerson: true,
          choice: f.text,
          reason: f.text,
          alternatives: many(f, () => f.text),
        },
        true,
      ),
    ],
    [
      'own decision',
      noticeBlocks(
        { kind: 'decision', actor: f.text, byPerson: false, choice: f.text, reason: '', alternatives: [] },
        true,
      ),
    ],
    ['result', noticeBlocks({ kind: 'result', status: 'completed', summary: f.text, branch: f.text }, true)],
    ['note', noticeBlocks({ kind: 'note', text: f.text }, true)],
    [
      'list',
      runListBlocks(
        many(f, () => detailOf(f)),
        true,
      ),
    ],
    ['empty list', runListBlocks([], true)],
    ['show', runDetailBlocks(detailOf(f), true)],
    ['show an ended one', runDetailBlocks({ ...detailOf(f), status: 'completed' }, true)],
    [
      'help',
      helpBlocks(
        many(f, () => ({ usage: f.text, description: f.text })),
        false,
        answers.unknownWord(f.text, f.text),
      ),
    ],
    ...taskMessages(f),
    ['on it', answerBlocks(answers.onIt(f.text))],
    ['forwarded', forwardedBlocks(answers.undeliverable(f.text, 'not_in_channel'), f.text)],
    ...refusals.flatMap((refusal) =>
      (['pending', 'approved', 'expired'] as const).map((status): [string, Message] => [
        `refusal ${refusal} ${status}`,
        answerBlocks(refusalWords(refusal, approvalOf(f, status))),
      ]),
    ),
  ];
  return Object.fromEntries(named);
}

/** Every form. */
export function allViews(f: Foreign): Record<string, View> {
  return {
    start: startForm({
      workflows: many(f, (i) => ({ name: `w${i}`, description: f.text })),
      chosen: 'w0',
      request: f.text,
      repository: f.text,
      channel: 'C1',
    }),
    reject: rejectForm(approvalOf(f)),
    changes: changesForm(approvalOf(f)),
    planEdit: planEditForm({
      runId: 'run_1',
      stages: many(f, (i) => ({ id: `s${i}`, agents: many(f, () => f.text) })),
      order: many(f, (i) => `s${i}`),
      groups: many(f, (i) => ({ node: `g${i}`, way: 'parallel', members: many(f, () => f.text) })),
      agents: many(f, (i) => ({
        node: `s${i}`,
        agent: 'backend',
        candidates: many(f, (j) => `agent-${j}`),
      })),
      budget: '5.00',
      deadline: '2h',
    }),
    planSendBack: planSendBackForm('run_1'),
    rollback: rollbackView(f),
    steer: steerForm({ runId: 'run_1', work: many(f, (i) => ({ id: `s${i}`, agent: f.text })) }),
    planSave: saveForm({ runId: 'run_1', title: f.text, name: 'mine' }),
    ask: askForm(approvalOf(f)),
    ...budgetViews(approvalOf(f)),
    ...conflictViews(approvalOf(f)),
    ...taskViews(f),
  };
}
