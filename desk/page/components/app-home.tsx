import { useState } from 'react';
import { Blocks } from '../blocks/blocks.tsx';
import { FormProvider } from '../blocks/form.tsx';
import type { Ready } from '../state/state.ts';
import { useDesk } from './context.ts';

/** The app's own page for the acting person, and the way to its direct messages. */
export function AppHome({ state }: { readonly state: Ready }) {
  const { session, workspace } = useDesk();
  const [opening, setOpening] = useState(false);
  const { home } = state;
  return (
    <>
      <header className="pane-head">
        <h2>{workspace.app.name}</h2>
        <span className="app-badge">APP</span>
        <div className="tabs" role="tablist" aria-label={workspace.app.name}>
          <button type="button" role="tab" aria-selected="true" id="tab-home" aria-controls="panel-home">
            Home
          </button>
          <button
            type="button"
            role="tab"
            aria-selected="false"
            disabled={opening}
            onClick={() => {
              setOpening(true);
              void session.openDirect(workspace.app.botUser).finally(() => setOpening(false));
            }}
          >
            Messages
          </button>
        </div>
      </header>
      <div className="home" role="tabpanel" id="panel-home" aria-labelledby="tab-home">
        {home === null ? (
          <p className="nothing">{workspace.app.name} has not put anything here for you yet.</p>
        ) : (
          <FormProvider container={{ type: 'view', viewId: home.id }} blocks={home.blocks}>
            <Blocks blocks={home.blocks} />
          </FormProvider>
        )}
      </div>
    </>
  );
}
