import type { Channel, Message, Person, Snapshot, View } from '../../contract.ts';

/** Where the person looks: a channel (or direct message), or the App Home. */
export type Place = { readonly kind: 'channel'; readonly id: string } | { readonly kind: 'home' };

/** A message on its way to the server. `failed` keeps its text until the person sends or discards it. */
export type Pending = {
  readonly localId: string;
  readonly channel: string;
  readonly threadTs: string | null;
  readonly text: string;
} & ({ readonly status: 'sending' } | { readonly status: 'failed'; readonly error: string });

export interface Toast {
  readonly id: string;
  readonly text: string;
}

/** For every person, the newest `ts` seen in each channel. Kept in the browser, so badges outlive a reload. */
export type Reads = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface Workspace {
  readonly team: Snapshot['team'];
  readonly app: Snapshot['app'];
  readonly people: readonly Person[];
  readonly channels: readonly Channel[];
  readonly commands: Snapshot['commands'];
}

export interface Ready {
  readonly status: 'ready';
  readonly me: string;
  readonly workspace: Workspace;
  /** Per channel, oldest first. */
  readonly messages: Readonly<Record<string, readonly Message[]>>;
  readonly modals: readonly View[];
  readonly home: View | null;
  readonly place: Place;
  readonly thread: string | null;
  readonly pending: readonly Pending[];
  /** Per person other than `me`: `channel:ts` of what arrived for them and they have not looked at. */
  readonly elsewhere: Readonly<Record<string, readonly string[]>>;
  readonly reads: Reads;
  readonly toasts: readonly Toast[];
  /** Whether updates arrive; `lost` while the page tries to reach the desk again. */
  readonly line: 'live' | 'lost';
}

export type DeskState =
  | { readonly status: 'loading'; readonly reads: Reads }
  | { readonly status: 'failed'; readonly error: string; readonly reads: Reads }
  | Ready;

/** @returns the empty state before the first snapshot; `reads` comes from the browser's storage. */
export function initialState(reads: Reads): DeskState {
  return { status: 'loading', reads };
}
