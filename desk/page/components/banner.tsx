import type { Ready } from '../state/state.ts';

/** Says what does not work at the moment, and only what is true of it. */
export function Banner({ state }: { readonly state: Ready }) {
  const { app } = state.workspace;
  if (state.line === 'lost') {
    return (
      <div className="banner" role="alert">
        <strong>The desk is out of reach.</strong> This page keeps trying; what you have written stays in its
        box until then.
      </div>
    );
  }
  if (app.connected) return null;
  return (
    <div className="banner" role="alert">
      <strong>{app.name} is not running.</strong> Your messages stay in the channel, but commands, buttons and
      forms fail, as they do in Slack. Start it with <code>npm start</code>.
    </div>
  );
}
