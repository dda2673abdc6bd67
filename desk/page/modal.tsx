import { type FormEvent, useCallback, useEffect, useRef, useState } from 'react';
import type { View } from '../contract.ts';
import { Blocks } from './blocks/blocks.tsx';
import { checkInputs } from './blocks/check.ts';
import { FormProvider } from './blocks/form.tsx';
import { type Entries, stateOf } from './blocks/values.ts';
import { useDesk } from './components/context.ts';
import { Dialog } from './components/dialog.tsx';

/** The stack of open views; only the top one shows, and closing it brings back the one below. */
export function Modals({ modals }: { readonly modals: readonly View[] }) {
  const top = modals.at(-1);
  // What is typed into a view below must outlive the one above it, so every view stays mounted.
  return modals.map((view) => <Modal key={view.id} view={view} hidden={view !== top} />);
}

function Modal({ view, hidden }: { readonly view: View; readonly hidden: boolean }) {
  const { session } = useDesk();
  const entries = useRef<Entries>({});
  const body = useRef<HTMLFormElement>(null);
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});
  const [sending, setSending] = useState(false);
  const container = useContainer(view.id);
  const onEntries = useCallback((next: Entries) => {
    entries.current = next;
  }, []);

  // A new version of the view answers the submission that was under way.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the hash is what tells versions apart
  useEffect(() => {
    setErrors({});
    setSending(false);
  }, [view.hash]);

  useEffect(() => {
    const first = Object.keys(errors)[0];
    if (first === undefined) return;
    const block = body.current?.querySelector(`[data-block-id="${CSS.escape(first)}"]`);
    block?.querySelector<HTMLElement>('input, select, textarea')?.focus();
  }, [errors]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (sending) return;
    const wrong = checkInputs(view.blocks, entries.current);
    setErrors(wrong);
    if (Object.keys(wrong).length > 0) return;
    setSending(true);
    const refused = await session.submit(view.id, stateOf(view.blocks, entries.current));
    if (refused !== null) setErrors(refused);
    setSending(false);
  };

  return (
    <FormProvider container={container} blocks={view.blocks} errors={errors} onEntries={onEntries}>
      {!hidden && (
        <Dialog title={view.title} onClose={() => void session.close(view.id)}>
          <form ref={body} noValidate className="dialog-form" onSubmit={(event) => void submit(event)}>
            <div className="dialog-body">
              <Blocks blocks={view.blocks} />
            </div>
            <footer className="dialog-foot">
              <button type="button" className="button" onClick={() => void session.close(view.id)}>
                {view.close ?? (view.submit === null ? 'Close' : 'Cancel')}
              </button>
              {view.submit !== null && (
                <button
                  type="submit"
                  className={`button button-primary${sending ? ' button-busy' : ''}`}
                  disabled={sending}
                  aria-busy={sending}
                >
                  {view.submit}
                </button>
              )}
            </footer>
          </form>
        </Dialog>
      )}
    </FormProvider>
  );
}

function useContainer(viewId: string) {
  const [container] = useState(() => ({ type: 'view', viewId }) as const);
  return container;
}
