import { z } from 'zod';
import type { View } from '../contract.ts';
import { fillIds } from './blocks/ids.ts';
import { validateView } from './blocks/validate.ts';
import type { Desk } from './desk.ts';
import { ApiError } from './errors.ts';
import { newId, newSecret } from './ids.ts';
import { type Json, jsonListSchema, stringField } from './json.ts';
import type { StoredView } from './store/views.ts';

/** A modal and two more on top of it. */
const MAX_STACK = 3;
const VIEW_BYTES = 250_000;

const plainText = z.object({ text: z.string() });

function textOf(view: Json, key: string): string | null {
  return plainText.safeParse(view[key]).data?.text ?? null;
}

/** The blocks of a view. */
export function viewBlocks(stored: StoredView): Json[] {
  return jsonListSchema.safeParse(stored.view['blocks']).data ?? [];
}

/** A view as the page draws it. */
export function pageView(stored: StoredView): View {
  return {
    id: stored.id,
    user: stored.user,
    type: stored.type,
    callbackId: stringField(stored.view, 'callback_id') ?? '',
    title: textOf(stored.view, 'title') ?? '',
    submit: textOf(stored.view, 'submit'),
    close: textOf(stored.view, 'close'),
    blocks: viewBlocks(stored),
    hash: stored.hash,
  };
}

/** A view as the Web API and payloads show it. `values` is what its inputs hold. */
export function apiView(desk: Desk, stored: StoredView, values: Json = {}): Json {
  const { teamId, appId, botId } = desk.identity;
  return {
    clear_on_close: false,
    notify_on_close: false,
    private_metadata: '',
    callback_id: '',
    external_id: '',
    close: null,
    submit: null,
    ...(stored.type === 'home' ? { title: { type: 'plain_text', text: desk.setup.name, emoji: true } } : {}),
    ...stored.view,
    id: stored.id,
    team_id: teamId,
    app_id: appId,
    bot_id: botId,
    app_installed_team_id: teamId,
    hash: stored.hash,
    root_view_id: stored.rootId,
    previous_view_id: stored.previousId,
    state: { values },
  };
}

function newHash(desk: Desk): string {
  return `${Math.floor(desk.clock.now() / 1000)}.${newSecret(4)}`;
}

/** Shows a person their modals as they are now. */
function showModals(desk: Desk, user: string): void {
  const modals = desk.views.stack(user).map(pageView);
  desk.hub.emit({ type: 'modals', modals }, (other) => other === user);
}

/** Checks a view; Slack refuses a bad one with invalid_arguments and pointers into it. */
function checkView(desk: Desk, view: Json, type: 'modal' | 'home', replaces: string | null): Json {
  if (view['type'] !== type) {
    throw new ApiError('invalid_arguments', [`[ERROR] must be of type ${type} [json-pointer:/view/type]`]);
  }
  if (JSON.stringify(view).length > VIEW_BYTES) throw new ApiError('view_too_large');
  const faults = validateView(view);
  if (faults.length > 0) {
    throw new ApiError(
      'invalid_arguments',
      faults.map((fault) => `[ERROR] ${fault}`),
    );
  }
  const externalId = stringField(view, 'external_id');
  const other = externalId ? desk.views.byExternalId(externalId) : undefined;
  if (other !== undefined && other.id !== replaces) throw new ApiError('duplicate_external_id');
  return { ...view, blocks: fillIds(jsonListSchema.parse(view['blocks'])) };
}

function externalId(view: Json): string | null {
  return stringField(view, 'external_id') || null;
}

/** Opens a first modal. An older stack of this person goes, as Slack shows one stack at a time. */
export function openModal(desk: Desk, user: string, view: Json): StoredView {
  const checked = checkView(desk, view, 'modal', null);
  for (const old of desk.views.stack(user)) desk.views.remove(old.id);
  const id = newId('V');
  const stored: StoredView = {
    id,
    user,
    type: 'modal',
    position: 0,
    rootId: id,
    previousId: null,
    externalId: externalId(view),
    view: checked,
    hash: newHash(desk),
  };
  desk.views.save(stored);
  showModals(desk, user);
  return stored;
}

/** Puts a modal on top of `below`. */
export function pushModal(desk: Desk, below: StoredView, view: Json): StoredView {
  const stack = desk.views.stack(below.user);
  if (stack.length >= MAX_STACK) throw new ApiError('push_limit_reached');
  const checked = checkView(desk, view, 'modal', null);
  const top = stack.at(-1) ?? below;
  const stored: StoredView = {
    ...below,
    id: newId('V'),
    position: top.position + 1,
    previousId: top.id,
    externalId: externalId(view),
    view: checked,
    hash: newHash(desk),
  };
  desk.views.save(stored);
  showModals(desk, below.user);
  return stored;
}

/** Replaces a view's content. A `hash` that is no longer the view's is refused. */
export function updateView(desk: Desk, before: StoredView, view: Json, hash: string | undefined): StoredView {
  if (hash !== undefined && hash !== before.hash) throw new ApiError('hash_conflict');
  const checked = checkView(desk, view, before.type, before.id);
  const stored: StoredView = {
    ...before,
    externalId: externalId(view),
    view: checked,
    hash: newHash(desk),
  };
  desk.views.save(stored);
  if (stored.type === 'modal') showModals(desk, stored.user);
  else showHome(desk, stored);
  return stored;
}

function showHome(desk: Desk, stored: StoredView): void {
  desk.hub.emit({ type: 'home', home: pageView(stored) }, (other) => other === stored.user);
}

/** Publishes a person's App Home. */
export function publishHome(desk: Desk, user: string, view: Json, hash: string | undefined): StoredView {
  const before = desk.views.home(user);
  if (before !== undefined) return updateView(desk, before, view, hash);
  const id = newId('V');
  const stored: StoredView = {
    id,
    user,
    type: 'home',
    position: 0,
    rootId: id,
    previousId: null,
    externalId: externalId(view),
    view: checkView(desk, view, 'home', null),
    hash: newHash(desk),
  };
  desk.views.save(stored);
  showHome(desk, stored);
  return stored;
}

/** Closes one modal, or with `all` the whole stack it belongs to. Returns the closed ones. */
export function closeModal(desk: Desk, view: StoredView, all: boolean): StoredView[] {
  const stack = desk.views.stack(view.user);
  const gone = all ? stack : stack.filter((other) => other.position >= view.position);
  for (const closed of gone) desk.views.remove(closed.id);
  showModals(desk, view.user);
  return gone;
}
