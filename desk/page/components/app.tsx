import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { Modals } from '../modal.tsx';
import type { Session } from '../session.ts';
import type { Ready } from '../state/state.ts';
import { AppHome } from './app-home.tsx';
import { Banner } from './banner.tsx';
import { ChannelPane } from './channel-pane.tsx';
import { DeskContext } from './context.ts';
import { Sidebar } from './sidebar.tsx';
import { ThreadPane } from './thread-pane.tsx';
import { Toasts } from './toasts.tsx';
import { TopBar } from './top-bar.tsx';

export function App({ session }: { readonly session: Session }) {
  const state = useSyncExternalStore(session.store.subscribe, session.store.get);
  switch (state.status) {
    case 'loading':
      return (
        <main className="cover">
          <p role="status">Opening the desk…</p>
        </main>
      );
    case 'failed':
      return (
        <main className="cover">
          <h1>The desk does not answer</h1>
          <p role="alert">{state.error} This page keeps trying.</p>
        </main>
      );
    case 'ready':
      return <Workplace session={session} state={state} />;
    default: {
      const unknown: never = state;
      return unknown;
    }
  }
}

function Workplace({ session, state }: { readonly session: Session; readonly state: Ready }) {
  const [menuOpen, setMenuOpen] = useState(false);
  const { me, workspace, place } = state;
  const desk = useMemo(() => ({ session, me, workspace }), [session, me, workspace]);
  useEffect(() => {
    document.title = `${workspace.team.name} · ${me === '' ? 'desk' : (workspace.people.find((person) => person.id === me)?.name ?? 'desk')}`;
  }, [workspace, me]);
  const threadOpen = place.kind === 'channel' && state.thread !== null;
  return (
    <DeskContext value={desk}>
      <div className={`desk${threadOpen ? ' with-thread' : ''}${menuOpen ? ' menu-open' : ''}`}>
        <TopBar state={state} menuOpen={menuOpen} onMenu={() => setMenuOpen(!menuOpen)} />
        <Sidebar state={state} onChosen={() => setMenuOpen(false)} />
        {menuOpen && (
          <button
            type="button"
            className="scrim"
            aria-label="Close the list of channels"
            onClick={() => setMenuOpen(false)}
          />
        )}
        <main className="middle">
          <Banner state={state} />
          {place.kind === 'home' ? (
            <AppHome key={me} state={state} />
          ) : (
            <ChannelPane key={`${me}/${place.id}`} state={state} id={place.id} />
          )}
        </main>
        {place.kind === 'channel' && state.thread !== null && (
          <ThreadPane key={`${me}/${state.thread}`} state={state} channel={place.id} ts={state.thread} />
        )}
      </div>
      <Modals key={me} modals={state.modals} />
      <Toasts toasts={state.toasts} />
    </DeskContext>
  );
}
