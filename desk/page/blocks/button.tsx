import { useState } from 'react';
import { Glyphs } from '../components/glyphs.tsx';
import { PlainText } from '../components/mrkdwn.tsx';
import { isSafeUrl } from '../text/mrkdwn.ts';
import { ConfirmDialog } from './confirm.tsx';
import { useForm } from './form.tsx';
import { plain } from './schema.ts';
import type { Placed } from './values.ts';

/** A button: asks first when it carries a confirmation, shows that it works, and rests until it is answered. */
export function ButtonElement({ placed }: { readonly placed: Placed }) {
  const form = useForm();
  const [asking, setAsking] = useState(false);
  const { element } = placed;
  const words = plain(element.text);
  const busy = form.isBusy(placed, element.value);
  const style = element.style === 'primary' || element.style === 'danger' ? ` button-${element.style}` : '';

  const press = () => {
    form.press(placed, {
      text: typeof element.text === 'object' ? element.text : { type: 'plain_text', text: words },
      ...(element.value === undefined ? {} : { value: element.value }),
      ...(element.style === undefined ? {} : { style: element.style }),
    });
    // A link button opens its page and tells the app as well, as in Slack.
    if (element.url !== undefined && isSafeUrl(element.url))
      window.open(element.url, '_blank', 'noopener,noreferrer');
  };

  return (
    <>
      <button
        type="button"
        className={`button${style}${busy ? ' button-busy' : ''}`}
        aria-label={element.accessibility_label}
        aria-busy={busy}
        disabled={busy}
        onClick={() => (element.confirm === undefined ? press() : setAsking(true))}
      >
        <PlainText text={words} />
        {element.url !== undefined && <span aria-hidden="true"> ↗</span>}
      </button>
      {asking && element.confirm !== undefined && (
        <ConfirmDialog
          confirm={element.confirm}
          onAnswer={(yes) => {
            setAsking(false);
            if (yes) press();
          }}
        />
      )}
    </>
  );
}

/** The two thumbs below an answer. */
export function FeedbackElement({ placed }: { readonly placed: Placed }) {
  const form = useForm();
  const { positive_button: good, negative_button: bad } = placed.element;
  return (
    <span className="feedback">
      {[good, bad].map((one) =>
        one === undefined ? null : (
          <button
            key={plain(one.text)}
            type="button"
            className="button"
            disabled={form.isBusy(placed, one.value)}
            onClick={() => form.press(placed, { text: one.text, value: one.value ?? '' })}
          >
            <Glyphs text={one === good ? '👍 ' : '👎 '} />
            <PlainText text={plain(one.text)} />
          </button>
        ),
      )}
    </span>
  );
}
