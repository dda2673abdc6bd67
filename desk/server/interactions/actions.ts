import { z } from 'zod';
import type { actionInputSchema, Channel, Person } from '../../contract.ts';
import { findElement } from '../blocks/ids.ts';
import type { Desk } from '../desk.ts';
import { isJson, type Json, jsonListSchema } from '../json.ts';
import { apiView, viewBlocks } from '../modals.ts';
import { issueResponseUrl } from '../responses.ts';
import { apiMessage, payloadBase, payloadUser } from '../shapes.ts';
import type { StoredMessage } from '../store/messages.ts';
import type { StoredView } from '../store/views.ts';
import { canSee } from '../timeline.ts';
import { deliver, type Outcome, type Refusal, refusal } from './outcome.ts';
import { stateValues } from './state.ts';

type ActionInput = z.infer<typeof actionInputSchema>;
type Built = Readonly<{ built: Json }>;

const idsSchema = z.object({ action_id: z.string(), block_id: z.string() });
const optionSchema = z.object({ value: z.string() });

function optionValues(element: Json): Set<string> {
  const groups = jsonListSchema.safeParse(element['option_groups']).data ?? [];
  const lists = [element['options'], ...groups.map((group) => group['options'])];
  const options = lists.flatMap((list) => jsonListSchema.safeParse(list).data ?? []);
  return new Set(options.map((option) => optionSchema.safeParse(option).data?.value ?? ''));
}

/** A page must not send a choice that the app never offered. */
function offered(element: Json, action: Json): boolean {
  const chosen = [
    action['selected_option'],
    ...(jsonListSchema.safeParse(action['selected_options']).data ?? []),
  ];
  const values = optionValues(element);
  if (values.size === 0) return true;
  return chosen.every((option) => {
    return (
      option === undefined || option === null || values.has(optionSchema.safeParse(option).data?.value ?? '')
    );
  });
}

function feedbackValue(element: Json, action: Json): unknown {
  const buttons = [element['positive_button'], element['negative_button']].filter(isJson);
  return buttons.find((button) => button['value'] === action['value'])?.['value'];
}

/** The action as Slack sends it: what the app put on the element wins over what the page says. */
function actionOf(desk: Desk, blocks: readonly Json[], action: Json): Built | Refusal {
  const ids = idsSchema.safeParse(action).data;
  const element = ids === undefined ? undefined : findElement(blocks, ids.block_id, ids.action_id);
  if (ids === undefined || element === undefined) return refusal('action_not_found');
  if (!offered(element, action)) return refusal('option_not_found');
  const type = element['type'];
  const shape: Json = { ...action, ...ids, type, action_ts: desk.nextTs() };
  if (type === 'button' || type === 'icon_button' || type === 'workflow_button') {
    shape['text'] = element['text'];
    if (element['value'] !== undefined) shape['value'] = element['value'];
    else delete shape['value'];
    if (element['style'] !== undefined) shape['style'] = element['style'];
  }
  if (type === 'feedback_buttons') {
    const value = feedbackValue(element, action);
    if (value === undefined) return refusal('option_not_found');
    shape['value'] = value;
  }
  return { built: shape };
}

function messagePayload(
  desk: Desk,
  person: Person,
  channel: Channel,
  message: StoredMessage,
  action: Json,
  state: Json | undefined,
): Json {
  const ephemeral = message.ephemeralFor !== null;
  const inThread = message.threadTs === null ? {} : { thread_ts: message.threadTs };
  return {
    type: 'block_actions',
    user: payloadUser(desk, person),
    ...payloadBase(desk),
    container: {
      type: 'message',
      message_ts: message.ts,
      channel_id: channel.id,
      is_ephemeral: ephemeral,
      ...inThread,
    },
    trigger_id: desk.triggers.issue(person.id, null),
    channel: { id: channel.id, name: channel.kind === 'im' ? 'directmessage' : channel.name },
    // Slack does not hand an ephemeral message back.
    ...(ephemeral ? {} : { message: apiMessage(desk, message) }),
    state: { values: stateValues(message.blocks, state) },
    response_url: issueResponseUrl(desk, person.id, channel, message),
    actions: [action],
  };
}

function viewPayload(
  desk: Desk,
  person: Person,
  view: StoredView,
  action: Json,
  state: Json | undefined,
): Json {
  return {
    type: 'block_actions',
    user: payloadUser(desk, person),
    ...payloadBase(desk),
    container: { type: 'view', view_id: view.id },
    trigger_id: desk.triggers.issue(person.id, view.id),
    view: apiView(desk, view, stateValues(viewBlocks(view), state)),
    actions: [action],
  };
}

function build(desk: Desk, input: ActionInput, person: Person): Built | Refusal {
  const { container } = input;
  if (container.type === 'view') {
    const view = desk.views.get(container.viewId);
    if (view === undefined || view.user !== person.id) return refusal('view_not_found');
    const action = actionOf(desk, viewBlocks(view), input.action);
    return 'ok' in action ? action : { built: viewPayload(desk, person, view, action.built, input.state) };
  }
  const channel = desk.directory.channel(container.channel);
  const message = desk.messages.get(container.channel, container.ts);
  if (channel === undefined || !canSee(desk, person.id, channel)) return refusal('channel_not_found');
  const hidden = message !== undefined && message.ephemeralFor !== null && message.ephemeralFor !== person.id;
  if (message === undefined || message.deleted || hidden) return refusal('message_not_found');
  const nested = message.attachments.flatMap((one) => jsonListSchema.safeParse(one['blocks']).data ?? []);
  const action = actionOf(desk, [...message.blocks, ...nested], input.action);
  if ('ok' in action) return action;
  return { built: messagePayload(desk, person, channel, message, action.built, input.state) };
}

/** A click, choice or entry of a person in a message or a view. */
export async function runAction(desk: Desk, input: ActionInput): Promise<Outcome> {
  const person = desk.directory.person(input.user);
  if (person === undefined) return refusal('user_not_found');
  if (!desk.setup.interactivity) return refusal('interactivity_disabled');
  const payload = build(desk, input, person);
  if ('ok' in payload) return payload;
  const ack = await deliver(desk, 'interactive', payload.built);
  return 'ok' in ack ? ack : { ok: true };
}
