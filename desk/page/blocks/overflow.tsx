import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { PlainText } from '../components/mrkdwn.tsx';
import { isSafeUrl } from '../text/mrkdwn.ts';
import { ConfirmDialog } from './confirm.tsx';
import { useForm } from './form.tsx';
import type { Option } from './schema.ts';
import type { Placed } from './values.ts';

/** The three dots: a menu of up to five options. */
export function OverflowElement({ placed }: { readonly placed: Placed }) {
  const form = useForm();
  const [open, setOpen] = useState(false);
  const [asked, setAsked] = useState<Option | null>(null);
  const frame = useRef<HTMLDivElement>(null);
  const { element } = placed;
  const busy = form.isBusy(placed);

  useEffect(() => {
    if (!open) return;
    frame.current?.querySelector<HTMLButtonElement>('[role=menuitem]')?.focus();
    const away = (event: PointerEvent) => {
      if (event.target instanceof Node && frame.current?.contains(event.target) === false) setOpen(false);
    };
    document.addEventListener('pointerdown', away);
    return () => document.removeEventListener('pointerdown', away);
  }, [open]);

  const choose = (option: Option) => {
    form.press(placed, { selected_option: option });
    if (option.url !== undefined && isSafeUrl(option.url))
      window.open(option.url, '_blank', 'noopener,noreferrer');
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      setOpen(false);
      frame.current?.querySelector('button')?.focus();
    }
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    const items = [...(frame.current?.querySelectorAll<HTMLButtonElement>('[role=menuitem]') ?? [])];
    const at = items.findIndex((item) => item.matches(':focus'));
    items[(at + (event.key === 'ArrowDown' ? 1 : items.length - 1)) % items.length]?.focus();
  };

  return (
    <div className="overflow" ref={frame}>
      <button
        type="button"
        className={`button${busy ? ' button-busy' : ''}`}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={element.accessibility_label ?? 'More actions'}
        disabled={busy}
        onClick={() => setOpen(!open)}
      >
        ⋯
      </button>
      {open && (
        <div className="menu" role="menu" tabIndex={-1} onKeyDown={onKeyDown}>
          {(element.options ?? []).map((option, index) => (
            <button
              key={option.value ?? index}
              type="button"
              role="menuitem"
              onClick={() => {
                setOpen(false);
                if (element.confirm === undefined) choose(option);
                else setAsked(option);
              }}
            >
              <PlainText text={option.text.text} />
            </button>
          ))}
        </div>
      )}
      {asked !== null && element.confirm !== undefined && (
        <ConfirmDialog
          confirm={element.confirm}
          onAnswer={(yes) => {
            setAsked(null);
            if (yes) choose(asked);
          }}
        />
      )}
    </div>
  );
}
