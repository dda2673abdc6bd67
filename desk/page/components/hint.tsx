import { useState } from 'react';
import { useDesk } from './context.ts';

const SEEN_KEY = 'desk.hint';
const EXAMPLE = '/orchestrate feature Add CSV export';

/** The first step, for somebody who has never been here; gone once used or closed. */
export function Hint({ onUse }: { readonly onUse: (text: string) => void }) {
  const { workspace } = useDesk();
  const [seen, setSeen] = useState(() => window.localStorage.getItem(SEEN_KEY) !== null);
  const known = workspace.commands.some((command) => command.command === '/orchestrate');
  if (seen || !known) return null;
  const done = () => {
    window.localStorage.setItem(SEEN_KEY, 'seen');
    setSeen(true);
  };
  return (
    <aside className="hint" aria-label="First step">
      <span>
        New here? Type <code>{EXAMPLE}</code>
      </span>
      <button
        type="button"
        className="button"
        onClick={() => {
          onUse(EXAMPLE);
          done();
        }}
      >
        Put it in the message box
      </button>
      <button type="button" className="plain" aria-label="Hide this hint" onClick={done}>
        ×
      </button>
    </aside>
  );
}
