import { createContext, useContext } from 'react';
import type { Session } from '../session.ts';
import type { Workspace } from '../state/state.ts';

/** What nearly every component needs: who acts, who and what there is, and the way to do something. */
export interface Desk {
  readonly session: Session;
  readonly me: string;
  readonly workspace: Workspace;
}

export const DeskContext = createContext<Desk | null>(null);

/** @throws outside a DeskContext, which is a mistake in this page. */
export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (desk === null) throw new Error('useDesk needs a DeskContext above it.');
  return desk;
}
