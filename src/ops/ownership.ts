import { BatonError } from '../domain/failure.ts';
import type { Clock } from '../ports/clock.ts';

/** Between two looks. What a process without the database tries meanwhile is refused by the database itself. */
const LOOK_MS = 1_000;

export interface OwnershipOptions {
  readonly isOurs: () => boolean;
  readonly clock: Pick<Clock, 'after'>;
}

/**
 * Looks again and again whether this process still has the database.
 * @returns `lost`, which rejects with BatonError `store_taken` when it has not, and how to stop looking
 */
export function watchOwnership({ isOurs, clock }: OwnershipOptions): {
  readonly lost: Promise<never>;
  readonly stop: () => void;
} {
  const { promise, reject } = Promise.withResolvers<never>();
  let cancel = () => {};
  const look = (): void => {
    if (isOursNow(isOurs)) cancel = clock.after(LOOK_MS, look);
    else reject(taken());
  };
  cancel = clock.after(LOOK_MS, look);
  return { lost: promise, stop: () => cancel() };
}

/** A look that fails is none: a disk in trouble is not another process. */
function isOursNow(isOurs: () => boolean): boolean {
  try {
    return isOurs();
  } catch {
    return true;
  }
}

function taken(): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'store_taken',
    message: 'Another Baton has taken over this database, so this one has ended',
    hint: 'Nothing was lost or done twice: the other one goes on with all of it.',
  });
}
