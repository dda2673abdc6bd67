import { z } from 'zod';
import type { closeInputSchema, Person, submitInputSchema } from '../../contract.ts';
import type { Desk } from '../desk.ts';
import { ApiError } from '../errors.ts';
import { type Json, jsonSchema } from '../json.ts';
import { apiView, closeModal, pushModal, updateView, viewBlocks } from '../modals.ts';
import { payloadBase, payloadUser } from '../shapes.ts';
import type { StoredView } from '../store/views.ts';
import { openIm, sendEvent } from '../timeline.ts';
import { deliver, type Outcome, refusal } from './outcome.ts';
import { isFilled, stateValues } from './state.ts';

const responseSchema = z.discriminatedUnion('response_action', [
  z.object({ response_action: z.literal('errors'), errors: z.record(z.string(), z.string()) }),
  z.object({ response_action: z.literal('update'), view: jsonSchema }),
  z.object({ response_action: z.literal('push'), view: jsonSchema }),
  z.object({ response_action: z.literal('clear') }),
]);

const inputSchema = z.object({
  type: z.literal('input'),
  block_id: z.string(),
  optional: z.boolean().default(false),
  element: z.object({
    action_id: z.string(),
    min_length: z.number().default(0),
    max_length: z.number().default(3_000),
  }),
});

/** What Slack's client checks before it sends a form: required fields and the length of text. */
function clientErrors(view: StoredView, values: Json): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const block of viewBlocks(view)) {
    const input = inputSchema.safeParse(block).data;
    if (input === undefined) continue;
    const entry = jsonSchema.safeParse(values[input.block_id]).data?.[input.element.action_id];
    const text = z.object({ value: z.string() }).safeParse(entry).data?.value ?? '';
    if (!input.optional && !isFilled(entry)) errors[input.block_id] = 'Please complete this required field.';
    else if (text !== '' && text.length < input.element.min_length) {
      errors[input.block_id] = `Please enter at least ${input.element.min_length} characters.`;
    } else if (text.length > input.element.max_length) {
      errors[input.block_id] = `Please enter at most ${input.element.max_length} characters.`;
    }
  }
  return errors;
}

function viewPayload(desk: Desk, type: string, person: Person, view: StoredView, values: Json): Json {
  return {
    type,
    user: payloadUser(desk, person),
    ...payloadBase(desk),
    view: apiView(desk, view, values),
  };
}

function apply(desk: Desk, view: StoredView, answer: unknown): Outcome {
  const parsed = responseSchema.safeParse(answer);
  if (!parsed.success) {
    const empty =
      answer === undefined || answer === null || answer === '' || Object.keys(answer).length === 0;
    if (!empty) return refusal('invalid_response_action');
    closeModal(desk, view, false);
    return { ok: true };
  }
  const response = parsed.data;
  switch (response.response_action) {
    case 'errors': {
      const known = viewBlocks(view).some((block) =>
        Object.hasOwn(response.errors, String(block['block_id'])),
      );
      return known
        ? { ok: false, error: 'errors', errors: response.errors }
        : refusal('invalid_response_action');
    }
    case 'update':
      updateView(desk, view, response.view, undefined);
      return { ok: true };
    case 'push':
      pushModal(desk, view, response.view);
      return { ok: true };
    case 'clear':
      closeModal(desk, view, true);
      return { ok: true };
    default:
      return response satisfies never;
  }
}

/** Submits a modal and does what the app's acknowledgement says. Without one the modal stays open. */
export async function runSubmit(desk: Desk, input: z.infer<typeof submitInputSchema>): Promise<Outcome> {
  const person = desk.directory.person(input.user);
  const view = desk.views.get(input.viewId);
  if (person === undefined || view === undefined || view.user !== person.id || view.type !== 'modal') {
    return refusal('view_not_found');
  }
  const values = stateValues(viewBlocks(view), input.state);
  const errors = clientErrors(view, values);
  if (Object.keys(errors).length > 0) return { ok: false, error: 'errors', errors };
  const payload = viewPayload(desk, 'view_submission', person, view, values);
  payload['trigger_id'] = desk.triggers.issue(person.id, view.id);
  payload['response_urls'] = [];
  const ack = await deliver(desk, 'interactive', payload);
  if ('ok' in ack) return ack;
  const now = desk.views.get(view.id);
  // The app may have closed or replaced the modal while it worked.
  if (now === undefined) return { ok: true };
  try {
    return apply(desk, now, ack.payload);
  } catch (error) {
    if (error instanceof ApiError) return refusal(error.code);
    throw error;
  }
}

/** Closes a modal; views that asked for it get view_closed. */
export async function runClose(desk: Desk, input: z.infer<typeof closeInputSchema>): Promise<Outcome> {
  const person = desk.directory.person(input.user);
  const view = desk.views.get(input.viewId);
  if (person === undefined || view === undefined || view.user !== person.id || view.type !== 'modal') {
    return refusal('view_not_found');
  }
  const all = view.view['clear_on_close'] === true;
  const closed = closeModal(desk, view, all);
  for (const gone of closed) {
    if (gone.view['notify_on_close'] !== true) continue;
    const payload = { ...viewPayload(desk, 'view_closed', person, gone, {}), is_cleared: all };
    await deliver(desk, 'interactive', payload);
  }
  return { ok: true };
}

/** A person opens the App Home. */
export function openHome(desk: Desk, user: string): Outcome {
  if (desk.directory.person(user) === undefined) return refusal('user_not_found');
  const home = desk.views.home(user);
  sendEvent(desk, 'app_home_opened', {
    type: 'app_home_opened',
    user,
    channel: openIm(desk, desk.identity.botUser, user).channel.id,
    tab: 'home',
    event_ts: desk.nextTs(),
    ...(home === undefined ? {} : { view: apiView(desk, home) }),
  });
  return { ok: true };
}
