import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from 'react';
import { useDesk } from '../components/context.ts';
import type { Container } from '../session.ts';
import {
  actionOf,
  type Entries,
  type Entry,
  entryKey,
  initialEntry,
  type Placed,
  slackValue,
  stateOf,
} from './values.ts';

type Json = Record<string, unknown>;

/** The state of one message's or view's inputs, and the way an element tells the app that it was used. */
export interface Form {
  readonly entryOf: (placed: Placed) => Entry;
  readonly set: (placed: Placed, entry: Entry) => void;
  /** Sends a block_actions with this element's own value, for buttons and menus. */
  readonly press: (placed: Placed, value: Json) => void;
  /** Enters a value and tells the app at once, as selects outside input blocks do. */
  readonly choose: (placed: Placed, entry: Entry) => void;
  readonly isBusy: (placed: Placed, detail?: string) => boolean;
  readonly errors: Readonly<Record<string, string>>;
}

const FormContext = createContext<Form | null>(null);

/** @throws outside a FormProvider, which is a mistake in this page. */
export function useForm(): Form {
  const form = useContext(FormContext);
  if (form === null) throw new Error('useForm needs a FormProvider above it.');
  return form;
}

interface Props {
  readonly container: Container;
  readonly blocks: readonly Json[];
  readonly errors?: Readonly<Record<string, string>>;
  /** Told of every change, so that a modal can submit what is entered. */
  readonly onEntries?: (entries: Entries) => void;
  readonly children?: ReactNode;
}

const NO_ERRORS: Readonly<Record<string, string>> = {};

/** Entries are kept by block_id and action_id, so an update of the view keeps what a person typed, as in Slack. */
export function FormProvider({ container, blocks, errors = NO_ERRORS, onEntries, children }: Props) {
  const { session } = useDesk();
  const [entries, setEntries] = useState<Entries>({});
  const [busy, setBusy] = useState<readonly string[]>([]);
  const latest = useRef(entries);

  const store = useCallback(
    (placed: Placed, entry: Entry) => {
      latest.current = { ...latest.current, [keyOf(placed)]: entry };
      setEntries(latest.current);
      onEntries?.(latest.current);
    },
    [onEntries],
  );

  const form = useMemo<Form>(() => {
    const send = (placed: Placed, value: Json) => {
      const key = busyKey(placed, value['value']);
      setBusy((keys) => [...keys, key]);
      void session
        .act(container, actionOf(placed, value), stateOf(blocks, latest.current))
        .finally(() => setBusy((keys) => keys.filter((other) => other !== key)));
    };
    return {
      entryOf: (placed) => entries[keyOf(placed)] ?? initialEntry(placed.element),
      set: store,
      press: send,
      choose: (placed, entry) => {
        store(placed, entry);
        send(placed, slackValue(placed.element, entry) ?? {});
      },
      isBusy: (placed, detail) => busy.includes(busyKey(placed, detail)),
      errors,
    };
  }, [entries, busy, errors, session, container, blocks, store]);

  return <FormContext value={form}>{children}</FormContext>;
}

function keyOf(placed: Placed): string {
  return entryKey(placed.blockId, placed.element.action_id ?? placed.element.type);
}

/** Two buttons may share an action_id by mistake; their value tells them apart. */
function busyKey(placed: Placed, value: unknown): string {
  return `${keyOf(placed)} ${typeof value === 'string' ? value : ''}`;
}
