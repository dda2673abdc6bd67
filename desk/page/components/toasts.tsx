import type { Toast } from '../state/state.ts';
import { useDesk } from './context.ts';

export function Toasts({ toasts }: { readonly toasts: readonly Toast[] }) {
  const { session } = useDesk();
  return (
    <div className="toasts" role="status" aria-live="polite">
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
