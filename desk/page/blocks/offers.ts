import { channelTitle, shownName } from '../state/selectors.ts';
import type { Workspace } from '../state/state.ts';
import type { Element, Option } from './schema.ts';
import type { Entry } from './values.ts';

/** One thing that can be chosen, with the key a native input carries. */
export interface Offer {
  readonly key: string;
  readonly label: string;
  readonly note: string | null;
  readonly option: Option | null;
}

export interface OfferGroup {
  readonly label: string | null;
  readonly offers: readonly Offer[];
}

/** What an element lets a person choose from: its own options, or the workspace's people and channels. */
export function offersOf(element: Element, workspace: Workspace, me: string): readonly OfferGroup[] {
  if (element.type.endsWith('users_select'))
    return [{ label: null, offers: workspace.people.map((person) => named(person.id, shownName(person))) }];
  if (element.type.endsWith('channels_select') || element.type.endsWith('conversations_select')) {
    const withDirect = element.type.endsWith('conversations_select');
    const channels = workspace.channels.filter(
      (channel) => !channel.archived && (withDirect || channel.kind === 'public'),
    );
    return [
      {
        label: null,
        offers: channels.map((channel) => named(channel.id, channelTitle(channel, me, workspace.people))),
      },
    ];
  }
  if (element.option_groups !== undefined) {
    return element.option_groups.map((group) => ({
      label: group.label.text,
      offers: group.options.map(offer),
    }));
  }
  return [{ label: null, offers: (element.options ?? []).map(offer) }];
}

/** @returns the keys of what is chosen. */
export function chosenKeys(entry: Entry): readonly string[] {
  if (entry.kind === 'ids') return entry.ids;
  return entry.kind === 'options' ? entry.options.map(optionKey) : [];
}

/** The entry that these offers make: ids for people and channels, options for the rest. */
export function entryOfOffers(offers: readonly Offer[], kind: Entry['kind']): Entry {
  if (kind === 'ids') return { kind: 'ids', ids: offers.map((one) => one.key) };
  return { kind: 'options', options: offers.flatMap((one) => (one.option === null ? [] : [one.option])) };
}

function named(id: string, label: string): Offer {
  return { key: id, label, note: null, option: null };
}

function offer(option: Option): Offer {
  return { key: optionKey(option), label: option.text.text, note: option.description?.text ?? null, option };
}

function optionKey(option: Option): string {
  return option.value ?? option.text.text;
}
