import { z } from 'zod';
import type { Desk } from '../desk.ts';
import { ApiError } from '../errors.ts';
import type { Json } from '../json.ts';
import { apiView, openModal, publishHome, pushModal, updateView } from '../modals.ts';
import { objectArg, readArgs } from './args.ts';
import { findPerson } from './lookup.ts';
import type { Methods } from './method.ts';

const triggerSchema = z.object({ trigger_id: z.string(), view: objectArg });
const updateSchema = z.object({
  view: objectArg,
  view_id: z.string().optional(),
  external_id: z.string().optional(),
  hash: z.string().optional(),
});
const publishSchema = z.object({ user_id: z.string(), view: objectArg, hash: z.string().optional() });

function exchange(desk: Desk, trigger: string): { user: string; viewId: string | null } {
  const use = desk.triggers.exchange(trigger);
  if (use.status === 'refused') throw new ApiError(use.error);
  return use;
}

function open(desk: Desk, args: Json): Json {
  const { trigger_id, view } = readArgs(triggerSchema, args);
  const { user } = exchange(desk, trigger_id);
  return { view: apiView(desk, openModal(desk, user, view)) };
}

function push(desk: Desk, args: Json): Json {
  const { trigger_id, view } = readArgs(triggerSchema, args);
  const { viewId } = exchange(desk, trigger_id);
  const below = viewId === null ? undefined : desk.views.get(viewId);
  if (below === undefined || below.type !== 'modal') throw new ApiError('not_found');
  return { view: apiView(desk, pushModal(desk, below, view)) };
}

function update(desk: Desk, args: Json): Json {
  const input = readArgs(updateSchema, args);
  const found =
    input.view_id !== undefined
      ? desk.views.get(input.view_id)
      : desk.views.byExternalId(input.external_id ?? '');
  if (found === undefined) throw new ApiError('not_found');
  return { view: apiView(desk, updateView(desk, found, input.view, input.hash)) };
}

function publish(desk: Desk, args: Json): Json {
  const { user_id, view, hash } = readArgs(publishSchema, args);
  const person = findPerson(desk, user_id);
  return { view: apiView(desk, publishHome(desk, person.id, view, hash)) };
}

export const viewsMethods: Methods = {
  'views.open': { tier: 'tier4', token: 'bot', run: open },
  'views.push': { tier: 'tier4', token: 'bot', run: push },
  'views.update': { tier: 'tier4', token: 'bot', run: update },
  'views.publish': { tier: 'tier4', token: 'bot', run: publish },
};
