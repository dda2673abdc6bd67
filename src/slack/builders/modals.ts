import type { Approval } from '../../domain/approval.ts';
import { amountText, boundsText, type RaiseOffer } from '../../domain/raise.ts';
import { actionIds, callbackIds, inputIds } from '../actions.ts';
import { bold, input, lines, type Part, plain, select, textInput, type View } from '../blocks.ts';
import { short } from '../text.ts';
import type { StartFormView } from '../views.ts';

/** A request as a whole page of text; longer ones belong in a file of the repository. */
const REQUEST_MAX = 3_000;
const REASON_MAX = 1_000;

interface Modal {
  readonly callbackId: string;
  readonly title: string;
  readonly submit: string;
  readonly metadata: string;
  readonly blocks: readonly Part[];
}

export function modal({ callbackId, title, submit, metadata, blocks }: Modal): View {
  return {
    type: 'modal',
    callback_id: callbackId,
    title: plain(title, 24),
    submit: plain(submit, 24),
    close: plain('Cancel', 24),
    private_metadata: metadata,
    blocks: [...blocks],
  };
}

/** The form an empty `/orchestrate` opens: which workflow, what is wanted, where. */
export function startForm(view: StartFormView): View {
  const workflows = select({
    actionId: actionIds.startWorkflow,
    placeholder: 'Choose how to work',
    options: view.workflows.map(({ name, description }) => ({ value: name, text: name, description })),
    chosen: view.chosen,
  });
  const request = textInput({
    actionId: actionIds.startRequest,
    multiline: true,
    max: REQUEST_MAX,
    initial: view.request,
    placeholder: 'Add CSV export to the reports page',
  });
  const repository = textInput({
    actionId: actionIds.startRepository,
    multiline: false,
    max: 300,
    initial: view.repository,
  });
  return modal({
    callbackId: callbackIds.start,
    title: 'Start work',
    submit: 'Plan it',
    metadata: view.channel,
    blocks: [
      input(workflows, { blockId: inputIds.workflow, label: 'Workflow', optional: false }),
      input(request, {
        blockId: inputIds.request,
        label: 'What should be done?',
        hint: 'You will see the plan and its cost before anything starts.',
        optional: false,
      }),
      input(repository, {
        blockId: inputIds.repository,
        label: 'Repository',
        hint: 'A path or an address. Empty: the default one.',
        optional: true,
      }),
    ],
  });
}

/** Asks why something is rejected. The reason is kept with the decision and shown on the card. */
export function rejectForm(approval: Approval): View {
  return modal({
    callbackId: callbackIds.reject,
    title: 'Reject',
    submit: 'Reject',
    metadata: approval.nonce,
    blocks: [
      lines([bold(short(approval.subject.title, 200))]),
      input(textInput({ actionId: actionIds.reasonText, multiline: true, max: REASON_MAX }), {
        blockId: inputIds.reason,
        label: 'Why?',
        hint: 'Shown on the card and kept with the decision.',
        optional: true,
      }),
    ],
  });
}

/** Asks what somebody wants to know before they decide. */
export function askForm(approval: Approval): View {
  return modal({
    callbackId: callbackIds.ask,
    title: 'Ask a question',
    submit: 'Ask',
    metadata: approval.nonce,
    blocks: [
      lines([bold(short(approval.subject.title, 200))]),
      input(textInput({ actionId: actionIds.askText, multiline: true, max: REASON_MAX }), {
        blockId: inputIds.ask,
        label: 'What do you want to know?',
        hint: 'It goes into the thread, to whoever asked for the work. The approval stays open.',
        optional: false,
      }),
    ],
  });
}

/** Asks what should be different. The text goes back to the agents as feedback. */
export function changesForm(approval: Approval): View {
  return modal({
    callbackId: callbackIds.changes,
    title: 'Request changes',
    submit: 'Send back',
    metadata: approval.nonce,
    blocks: [
      lines([bold(short(approval.subject.title, 200))]),
      input(textInput({ actionId: actionIds.changesText, multiline: true, max: REQUEST_MAX }), {
        blockId: inputIds.changes,
        label: 'What should be different?',
        hint: 'The agents get this as feedback and ask again afterwards.',
        optional: false,
      }),
    ],
  });
}

const UNIT_LABELS = {
  usd: 'Raise it to how many dollars in all?',
  tokens: 'Raise it to how many tokens in all?',
  turns: 'Raise it to how many model calls in all?',
  minutes: 'Raise it to how many minutes of work in all?',
} as const;

/** Asks to how much a budget is raised; what the button offers stands there already. */
export function amountForm(approval: Approval, offer: RaiseOffer): View {
  const text = textInput({
    actionId: actionIds.amountText,
    multiline: false,
    max: 16,
    initial: amountText(offer),
  });
  return modal({
    callbackId: callbackIds.amount,
    title: 'Raise the budget',
    submit: 'Raise it',
    metadata: approval.nonce,
    blocks: [
      lines([bold(short(approval.subject.title, 200))]),
      input(text, {
        blockId: inputIds.amount,
        label: UNIT_LABELS[offer.unit],
        hint: `${boundsText(offer)}. The run goes on at once.`,
        optional: false,
      }),
    ],
  });
}
