import { useState } from 'react';
import { useDesk } from '../components/context.ts';
import { ConfirmDialog } from './confirm.tsx';
import { useForm } from './form.tsx';
import type { Naming } from './naming.ts';
import { chosenKeys, entryOfOffers, offersOf } from './offers.ts';
import { plain } from './schema.ts';
import type { Entry, Placed } from './values.ts';

interface Props {
  readonly placed: Placed;
  readonly naming: Naming | null;
  readonly dispatches: boolean;
}

/** Every menu with one answer, as the browser's own select. */
export function SelectElement({ placed, naming, dispatches }: Props) {
  const form = useForm();
  const { workspace, me } = useDesk();
  const [asked, setAsked] = useState<Entry | null>(null);
  const { element } = placed;
  if (element.type === 'external_select' && element.options === undefined) {
    return <p className="edited">This menu asks the app for its options, which the desk cannot do.</p>;
  }
  const groups = offersOf(element, workspace, me);
  const entry = form.entryOf(placed);
  const value = chosenKeys(entry)[0] ?? '';
  const busy = form.isBusy(placed);
  const placeholder = plain(element.placeholder) || 'Choose…';

  const apply = (next: Entry) => (dispatches ? form.choose(placed, next) : form.set(placed, next));
  const onChange = (key: string) => {
    const offers = groups.flatMap((group) => group.offers).filter((offer) => offer.key === key);
    const next = entryOfOffers(offers, entry.kind);
    if (element.confirm !== undefined && dispatches) setAsked(next);
    else apply(next);
  };

  return (
    <>
      <select
        id={naming?.id}
        className="field"
        aria-label={naming === null ? placeholder : undefined}
        aria-describedby={naming?.describedBy}
        aria-invalid={naming?.invalid === true ? true : undefined}
        value={value}
        disabled={busy}
        onChange={(event) => onChange(event.target.value)}
      >
        <option value="" disabled={naming?.required !== false}>
          {placeholder}
        </option>
        {groups.map((group) => {
          const options = group.offers.map((offer) => (
            <option key={offer.key} value={offer.key}>
              {offer.label}
            </option>
          ));
          return group.label === null ? (
            options
          ) : (
            <optgroup key={group.label} label={group.label}>
              {options}
            </optgroup>
          );
        })}
      </select>
      {asked !== null && element.confirm !== undefined && (
        <ConfirmDialog
          confirm={element.confirm}
          onAnswer={(yes) => {
            setAsked(null);
            if (yes) apply(asked);
          }}
        />
      )}
    </>
  );
}
