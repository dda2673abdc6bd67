import type { Clock } from '../ports/clock.ts';

/** Wait before what failed is tried again: the disk may have room by then. */
const RETRY_MS = 1_000;

/** Runs `work` soon after `again`, never twice at once, and once more when it was called meanwhile or failed. */
export function gather(
  clock: Clock,
  ms: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): { readonly again: () => void; stop(): Promise<void> } {
  let state: 'idle' | 'armed' | 'running' | 'again' | 'stopped' = 'idle';
  let running = Promise.resolve();
  let cancel = (): void => undefined;
  const arm = (wait: number): void => {
    if (state === 'stopped') return;
    state = 'armed';
    cancel = clock.after(wait, run);
  };
  const run = (): void => {
    state = 'running';
    running = work().then(
      () => {
        if (state === 'again') arm(ms);
        else if (state === 'running') state = 'idle';
      },
      (error: unknown) => {
        onError(error);
        arm(RETRY_MS);
      },
    );
  };
  return {
    again: () => {
      if (state === 'idle') arm(ms);
      else if (state === 'running') state = 'again';
    },
    stop: async () => {
      state = 'stopped';
      cancel();
      await running;
    },
  };
}
