import { useCallback, useState } from 'react';

/** Text that is being written, kept for this tab: going elsewhere or reloading does not lose it. */
export function useDraft(key: string): readonly [string, (text: string) => void] {
  const name = `desk.draft.${key}`;
  const [text, setText] = useState(() => window.sessionStorage.getItem(name) ?? '');
  const write = useCallback(
    (next: string) => {
      setText(next);
      if (next === '') window.sessionStorage.removeItem(name);
      else window.sessionStorage.setItem(name, next);
    },
    [name],
  );
  return [text, write];
}
