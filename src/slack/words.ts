import type { Approval, ApprovalStatus, Refusal } from '../domain/approval.ts';
import { missing, namedDeciders, raisedTo, requirementsOf } from '../domain/approval-rules.ts';
import { amount } from '../domain/budget.ts';
import { boundsText } from '../domain/raise.ts';
import { signs } from './format.ts';
import { date, mention, mk, short } from './text.ts';
import type { ShownStatus } from './views.ts';

/** Sentences that more than one message uses, as markup. */

export const REHEARSAL = 'Rehearsal: scripted words, real edits and tests.';

export const UNSANDBOXED = 'Unsandboxed: commands run on this machine without a sandbox.';

/** What a run's status is called, with its sign. */
export function statusWords(status: ShownStatus): string {
  switch (status) {
    case 'queued':
      return `${signs.waiting} not started`;
    case 'running':
      return `${signs.in_progress} running`;
    case 'waiting':
      return `${signs.needs_person} waiting for an answer`;
    case 'paused':
      return `${signs.paused} paused`;
    case 'completed':
      return `${signs.done} done`;
    case 'delivered':
      return `${signs.done} delivered unfinished, at its budget`;
    case 'failed':
      return `${signs.failed} failed`;
    case 'cancelled':
      return `${signs.skipped} stopped`;
    default:
      return status satisfies never;
  }
}

/** "approved", as in "Already approved by @bob". */
function verdictWord(status: ApprovalStatus): string {
  switch (status) {
    case 'pending':
      return 'still open';
    case 'approved':
    case 'taken':
      return 'approved';
    case 'lapsed':
      return 'approved, and not done in time';
    case 'rejected':
      return 'rejected';
    case 'changes_requested':
      return 'sent back for changes';
    case 'expired':
      return 'closed because time ran out';
    case 'voided':
      return 'withdrawn';
    default:
      return status satisfies never;
  }
}

/** What user groups are called, by their ids, as far as Slack says. */
export type Handles = ReadonlyMap<string, string>;

const NO_HANDLES: Handles = new Map();

/** A user group by its name: a sentence to one person does not call everybody who is in it. */
function groupName(id: string, handles: Handles): string {
  const handle = handles.get(id);
  return mk`${handle === undefined ? `the user group ${short(id, 40)}` : `@${short(handle, 80)}`}`;
}

/** Who may decide, as "@bob or somebody of @releasers", or as a rule. Never whoever may not. */
export function deciders(approval: Approval, handles: Handles = NO_HANDLES): string {
  const asked = requirementsOf(approval.policy);
  const people = namedDeciders(approval);
  const groups = [...new Set(asked.flatMap((each) => each.groups))];
  const named = [...people.map((id) => mention(id).live), ...groups.map((id) => groupName(id, handles))];
  if (asked.some(({ anyone }) => anyone)) return 'anybody in this workspace but guests';
  return named.length === 0 ? 'nobody whom the policy names is known here' : joined(named, 'or');
}

/** What somebody is told whose click changed nothing, and what they can do. */
export function refusalWords(refusal: Refusal, approval: Approval, handles: Handles = NO_HANDLES): string {
  switch (refusal) {
    case 'already_decided':
      return alreadyDecided(approval);
    case 'expired':
      return mk`Time to decide ran out at ${date(approval.expiresAt)}, so this button does nothing any more. Nothing was done. The epic message shows how to go on.`;
    case 'not_eligible':
      return mk`Only ${{ live: deciders(approval, handles) }} can decide this. Your click changed nothing; you can ask them.`;
    case 'no_role':
      return 'You are not among those who may approve here. Your click changed nothing. Whoever runs Baton can name you under `access:` in baton.yaml.';
    case 'already_voted':
      return mk`Your yes is counted already. ${stillMissing(approval, handles)}`;
    case 'last_editor':
      return mk`You made the last change to this yourself, so somebody else has to decide. ${whoElse(approval, handles)} Your click changed nothing.`;
    case 'policy_error':
      return mk`Nobody can decide at the moment: ${short(approval.policy.problem ?? 'the policy cannot be read', 200)}. Your click changed nothing. Whoever runs Baton has to put baton.yaml right.`;
    case 'unchecked':
      return 'It could not be checked who you are or what this is about now, so your click changed nothing. Please try again in a moment.';
    case 'not_admin':
      return 'Only an admin named in baton.yaml can break the glass. Nothing was changed, and the attempt is recorded.';
    case 'amount':
      return approval.subject.raise === undefined
        ? 'This question takes no amount. Nothing was changed.'
        : mk`That amount is not among those you can choose here. ${boundsText(approval.subject.raise)}. Nothing was changed.`;
    case 'not_editable':
      return 'What you wrote cannot be taken here: conflict markers or what looks like a secret stood in it, or editing is not offered. Nothing was changed; the card still waits.';
    case 'no_reason':
      return 'Breaking the glass needs a reason: `/orchestrate break-glass <id> <why>`. Nothing was changed.';
    case 'requester':
      return mk`You asked for this work, so somebody else has to decide. ${whoElse(approval, handles)} Your click changed nothing.`;
    case 'not_a_person':
      return 'Only a person can decide this. The click changed nothing.';
    case 'guest':
      return mk`Guests cannot decide here. Your click changed nothing. You can ask ${{ live: deciders(approval, handles) }}.`;
    case 'stranger':
      return mk`Only members of the workspace that owns this work can decide. Your click changed nothing. You can ask ${mention(approval.requester)}.`;
    case 'other_team':
      return 'This belongs to another workspace. Your click changed nothing; please decide it there.';
    case 'content_changed':
      return 'What you were shown has changed since, so this button no longer counts. Nothing was decided. Please look at the newest card in the thread.';
    default:
      return refusal satisfies never;
  }
}

/** What was chosen where the answers have names of their own; null where they have none. */
function chosen(approval: Approval): string | null {
  const { status, subject } = approval;
  const { labels, raise } = subject;
  if (labels === undefined) return null;
  if (status === 'rejected') return labels.reject;
  if (status === 'changes_requested') return labels.request_changes;
  if (status !== 'approved' && status !== 'taken') return null;
  const to = raisedTo(approval);
  return raise === undefined || to === null ? labels.approve : `raised to ${amount(raise.unit, to)}`;
}

function alreadyDecided(approval: Approval): string {
  const { status, decidedBy, decidedAt } = approval;
  const by = decidedBy === null ? '' : mk` by ${mention(decidedBy)}`;
  const at = decidedAt === null ? '' : mk` at ${date(decidedAt)}`;
  const what = chosen(approval);
  if (what !== null)
    return mk`Already answered (${what})${{ live: by }}${{ live: at }}. Your click changed nothing.`;
  return mk`Already ${verdictWord(status)}${{ live: by }}${{ live: at }}. Your click changed nothing.`;
}

function whoElse(approval: Approval, handles: Handles): { live: string } {
  const anyone = requirementsOf(approval.policy).some((each) => each.anyone);
  return { live: anyone ? 'Anybody else here may.' : `You can ask ${deciders(approval, handles)}.` };
}

/** How many more are needed, and of whom. */
export function stillMissing({ policy, votes }: Approval, handles: Handles = NO_HANDLES): { live: string } {
  const lacks = missing(policy, votes).map(({ requirement, lacks: count }) => {
    const { anyone, people, groups } = requirement;
    const named = [...people.map((id) => mention(id).live), ...groups.map((id) => groupName(id, handles))];
    return `${count} more of ${anyone ? 'anybody here' : joined(named, 'or')}`;
  });
  return { live: lacks.length === 0 ? 'Nothing is missing.' : `Still missing: ${lacks.join('; ')}.` };
}

function joined(items: readonly string[], word: string): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} ${word} ${last}`;
}

/** A channel by its id as a living mention; anything else as text. */
export function place(channel: string): string | { live: string } {
  return /^[CDG][A-Z0-9]+$/.test(channel) ? { live: `<#${channel}>` } : short(channel, 80);
}

/** Short answers to a click or a command, seen by that person only. */
export const answers = {
  onIt: (repository: string) =>
    mk`On it: reading ${short(repository, 150)}. The plan will be here in a moment.`,
  working: 'That is under way.',
  formLate: 'The form could not be opened in time. Nothing was changed; click or type it once more.',
  runGone:
    'That run is not known here any more. Nothing was changed. `/orchestrate list` shows the runs there are.',
  alreadyStarted:
    'This plan has been started or cancelled already; the card in the channel shows how it stands. Nothing was changed.',
  planReplaced:
    'Another plan has taken the place of this one; the card in the channel shows it. Your click changed nothing.',
  alreadyPaused: 'This run is paused already, or has ended. Nothing was changed.',
  alreadyEnded: 'This run has already ended. Nothing was changed.',
  nothingToSteer:
    'This run has no piece of work that can be stepped into; pause it or stop it instead. Nothing was changed.',
  atBudget:
    'It has used up its budget, so trying again changes nothing until somebody answers: raise it, take what is there, or stop. The card in the thread says what is done and what is left. Nothing was changed.',
  notPaused: 'This run is not paused, so there is nothing to try again. Your click changed nothing.',
  mayLook:
    'You may look at work here, and not change it. Whoever runs Baton can name you under `access:` in baton.yaml. Nothing was changed.',
  onlyRequester: (requester: string) =>
    mk`Only ${mention(requester)}, who asked for this, can do that. Your click changed nothing.`,
  decided: (approval: Approval, handles: Handles = NO_HANDLES) =>
    approval.status === 'pending'
      ? mk`Noted: your yes is counted. ${stillMissing(approval, handles)}`
      : mk`Noted: ${chosen(approval) ?? verdictWord(approval.status)}.`,
  nothingWaits: 'Nothing waits for a decision under that id. Nothing was changed.',
  brokeGlass: 'Allowed. Everybody in the thread reads that you broke the glass and why; it is in the audit.',
  noEdit: 'This cannot be edited here; its card says why. Your click changed nothing.',
  asked: 'Your question is in the thread. The approval stays open.',
  unknownWord: (word: string, nearest: string | null) =>
    nearest === null
      ? mk`There is no \`/orchestrate ${short(word, 60)}\`. Nothing was started. This is what there is:`
      : mk`There is no \`/orchestrate ${short(word, 60)}\`. Did you mean \`${short(nearest, 60)}\`? Nothing was started; \`/orchestrate help\` shows what there is.`,
  noRuns: mk`No runs yet. \`/orchestrate feature ${'<what you want>'}\` starts one.`,
  notInChannel: (channel: string) =>
    mk`I could not post in ${place(channel)}: I am not a member there. Invite me with \`/invite\` in that channel, then send the command again.`,
  undeliverable: (channel: string, why: string) =>
    mk`A message about your work could not be posted in ${place(channel)} (${short(why, 120)}). The run is kept as it is. Here is what it said:`,
  agentsUsage:
    'Like this: `/orchestrate agents`, `/orchestrate agents quarantine backend writes odd tests`, `/orchestrate agents restore backend`. Nothing was changed.',
  agentUnknown: (name: string) =>
    mk`There is no agent, model or tool server ${short(name, 80)}. Nothing was changed. \`/orchestrate agents\` shows those that have worked.`,
  quarantineWhy: (name: string) =>
    mk`Please say why: \`/orchestrate agents quarantine ${short(name, 80)} <why>\`. Whoever looks later reads it. Nothing was changed.`,
  agentsForbidden:
    'Only those who may approve work can take agents out of use, or give them back. Nothing was changed; you can ask one of them.',
  quarantined: (name: string) =>
    mk`${short(name, 80)} is out of use from its next task on; its backup is asked, or the run waits. \`/orchestrate agents restore ${short(name, 80)}\` gives it back.`,
  serverQuarantined: (name: string) =>
    mk`The tools of ${short(name, 80)} are offered to no agent from now on; they go on without. \`/orchestrate agents restore ${short(name, 80)}\` gives them back.`,
  restored: (name: string) => mk`${short(name, 80)} is in use again.`,
  failed: (what: string) => mk`That did not work: ${short(what, 400)} Nothing was changed; please try again.`,
} as const;
