import { useId, useState } from 'react';
import { useDesk } from '../components/context.ts';
import { Mrkdwn } from '../components/mrkdwn.tsx';
import { ConfirmDialog } from './confirm.tsx';
import { useForm } from './form.tsx';
import type { Naming } from './naming.ts';
import { chosenKeys, entryOfOffers, type Offer, offersOf } from './offers.ts';
import { plain } from './schema.ts';
import type { Entry, Placed } from './values.ts';

interface Props {
  readonly placed: Placed;
  readonly naming: Naming | null;
  readonly dispatches: boolean;
}

/** Radio buttons, checkboxes, and every menu with several answers (as a list of checkboxes). */
export function ChoicesElement({ placed, naming, dispatches }: Props) {
  const form = useForm();
  const { workspace, me } = useDesk();
  const [asked, setAsked] = useState<Entry | null>(null);
  const name = useId();
  const { element } = placed;
  if (element.type === 'multi_external_select' && element.options === undefined) {
    return <p className="edited">This menu asks the app for its options, which the desk cannot do.</p>;
  }
  const single = element.type === 'radio_buttons';
  const offers = offersOf(element, workspace, me).flatMap((group) => group.offers);
  const entry = form.entryOf(placed);
  const chosen = chosenKeys(entry);
  const full = element.max_selected_items !== undefined && chosen.length >= element.max_selected_items;

  const apply = (next: Entry) => (dispatches ? form.choose(placed, next) : form.set(placed, next));
  const toggle = (offer: Offer, on: boolean) => {
    const keys = single
      ? [offer.key]
      : on
        ? [...chosen, offer.key]
        : chosen.filter((key) => key !== offer.key);
    const next = entryOfOffers(
      offers.filter((one) => keys.includes(one.key)),
      entry.kind,
    );
    if (element.confirm !== undefined && dispatches) setAsked(next);
    else apply(next);
  };

  return (
    <fieldset
      id={naming?.id}
      className={`choices${element.type.startsWith('multi_') ? ' choices-boxed' : ''}`}
      role={single ? 'radiogroup' : undefined}
      aria-label={naming?.label ?? (plain(element.placeholder) || undefined)}
      aria-describedby={naming?.describedBy}
      tabIndex={-1}
    >
      {offers.map((offer) => (
        <label key={offer.key} className="choice">
          <input
            type={single ? 'radio' : 'checkbox'}
            name={name}
            checked={chosen.includes(offer.key)}
            disabled={form.isBusy(placed) || (!single && full && !chosen.includes(offer.key))}
            onChange={(event) => toggle(offer, event.target.checked)}
          />
          <span>
            <Label offer={offer} />
            {offer.note !== null && <span className="choice-note">{offer.note}</span>}
          </span>
        </label>
      ))}
      {asked !== null && element.confirm !== undefined && (
        <ConfirmDialog
          confirm={element.confirm}
          onAnswer={(yes) => {
            setAsked(null);
            if (yes) apply(asked);
          }}
        />
      )}
    </fieldset>
  );
}

function Label({ offer }: { readonly offer: Offer }) {
  return offer.option?.text.type === 'mrkdwn' ? <Mrkdwn text={offer.label} /> : offer.label;
}
