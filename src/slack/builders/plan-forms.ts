import { actionIds, callbackIds, inputIds } from '../actions.ts';
import { bold, checkboxes, input, lines, type Part, select, textInput, type View } from '../blocks.ts';
import { short } from '../text.ts';
import type { PlanFormView, SaveFormView } from '../views.ts';
import { modal } from './modals.ts';

const WORDS_MAX = 2_000;
/** Slack takes at most ten boxes in one element. */
const BOXES = 10;
/** Selects of a form, so that it stays well below Slack's 100 blocks. */
const SELECTS = 40;
/** Choices in all menus of agents together: each costs up to 200 bytes, and a form has 250,000. */
const OPTIONS = 800;
const WAYS = { sequence: 'One after the other', parallel: 'Side by side' } as const;

/** The plan as a form: what runs, in which order, by whom, at what cost and until when. */
export function planEditForm(view: PlanFormView): View {
  return modal({
    callbackId: callbackIds.planEdit,
    title: 'Edit the plan',
    submit: 'Plan it so',
    metadata: view.runId,
    blocks: [
      ...stageBoxes(view),
      ...(view.order.length < 2 ? [] : [orderInput(view)]),
      ...view.groups.slice(0, SELECTS).map(groupSelect),
      ...view.agents.slice(0, menus(view)).map(agentSelect),
      budgetInput(view),
      deadlineInput(view),
    ],
  });
}

function stageBoxes({ stages }: PlanFormView): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < stages.length; at += BOXES) {
    const some = stages.slice(at, at + BOXES);
    const boxes = checkboxes({
      actionId: actionIds.planStages,
      options: some.map(({ id, agents }) => ({ value: id, text: id, description: agents.join(', ') })),
      chosen: some.map(({ id }) => id),
    });
    parts.push(
      input(boxes, {
        blockId: `${inputIds.stages}-${at}`,
        label: at === 0 ? 'What is done' : 'And',
        ...(at === 0 ? { hint: 'What asks people is not in this list: it stays.' } : {}),
        optional: true,
      }),
    );
  }
  return parts;
}

function orderInput({ order }: PlanFormView): Part {
  const text = textInput({
    actionId: actionIds.planOrder,
    multiline: false,
    max: 1_000,
    initial: order.join(', '),
  });
  return input(text, {
    blockId: inputIds.order,
    label: 'In this order',
    hint: 'Nothing moves behind the approval that is to see it.',
    optional: true,
  });
}

function groupSelect({ node, way, members }: PlanFormView['groups'][number], at: number): Part {
  const ways = select({
    actionId: actionIds.planGroup,
    placeholder: 'How',
    options: Object.entries(WAYS).map(([value, text]) => ({ value, text })),
    chosen: way,
  });
  return input(ways, {
    blockId: `${inputIds.group}-${at}`,
    label: short(`${node}: ${members.join(', ')}`, 150),
    optional: false,
  });
}

function menus({ agents }: PlanFormView): number {
  const longest = Math.max(1, ...agents.map(({ candidates }) => candidates.length + 1));
  return Math.min(SELECTS, Math.floor(OPTIONS / longest));
}

function agentSelect({ node, agent, candidates }: PlanFormView['agents'][number], at: number): Part {
  const roles = select({
    actionId: actionIds.planAgent,
    placeholder: 'Choose an agent',
    options: [agent, ...candidates.filter((name) => name !== agent)].map((name) => ({
      value: name,
      text: name,
    })),
    chosen: agent,
  });
  return input(roles, {
    blockId: `${inputIds.agent}-${at}`,
    label: short(`${node} is done by`, 150),
    optional: false,
  });
}

function budgetInput({ budget }: PlanFormView): Part {
  const text = textInput({
    actionId: actionIds.planBudget,
    multiline: false,
    max: 12,
    initial: budget,
    placeholder: '5.00',
  });
  return input(text, {
    blockId: inputIds.budget,
    label: 'Budget in dollars',
    hint: 'Empty: no limit of its own.',
    optional: true,
  });
}

function deadlineInput({ deadline }: PlanFormView): Part {
  const text = textInput({
    actionId: actionIds.planDeadline,
    multiline: false,
    max: 20,
    initial: deadline,
    placeholder: '2h',
  });
  return input(text, {
    blockId: inputIds.deadline,
    label: 'To be done within',
    hint: '30m, 2h or 1d from the start of the work. Empty: no deadline.',
    optional: true,
  });
}

/** Asks what should be different about a plan. */
export function planSendBackForm(runId: string): View {
  const words = textInput({
    actionId: actionIds.planWords,
    multiline: true,
    max: WORDS_MAX,
    placeholder: 'Without the designer, one after the other, and keep the old export working',
  });
  return modal({
    callbackId: callbackIds.planSendBack,
    title: 'Send the plan back',
    submit: 'Plan anew',
    metadata: runId,
    blocks: [
      input(words, {
        blockId: inputIds.words,
        label: 'What should be different?',
        hint: 'A new plan takes the place of this one, and every agent reads these words.',
        optional: false,
      }),
    ],
  });
}

/** Asks under which name a plan is kept. */
export function saveForm({ runId, title, name }: SaveFormView): View {
  return modal({
    callbackId: callbackIds.planSave,
    title: 'Save as workflow',
    submit: 'Save',
    metadata: runId,
    blocks: [
      lines([bold(short(title, 200))]),
      input(textInput({ actionId: actionIds.saveName, multiline: false, max: 32, initial: name }), {
        blockId: inputIds.name,
        label: 'Name',
        hint: 'Lower-case letters, digits and dashes; /orchestrate <name> starts it.',
        optional: false,
      }),
      input(textInput({ actionId: actionIds.saveDescription, multiline: false, max: 140 }), {
        blockId: inputIds.description,
        label: 'What is it for?',
        optional: true,
      }),
    ],
  });
}
