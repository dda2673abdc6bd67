import { useEffect, useRef } from 'react';
import type { Toast } from '../state/state.ts';
import { useDesk } from './context.ts';

export function Toasts({ toasts }: { readonly toasts: readonly Toast[] }) {
  const { session } = useDesk();
  const frame = useRef<HTMLDivElement>(null);

  // Shown anew for each toast, because only the latest popover lies above an open modal.
  useEffect(() => {
    const element = frame.current;
    if (element?.isConnected !== true) return;
    if (element.matches(':popover-open')) element.hidePopover();
    if (toasts.length > 0) element.showPopover();
  }, [toasts]);

  return (
    <div ref={frame} popover="manual" className="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.id} className="toast">
          <span>{toast.text}</span>
          <button
            type="button"
            className="plain"
            aria-label="Dismiss"
            onClick={() => session.dismiss(toast.id)}
          >
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
