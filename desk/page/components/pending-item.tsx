import { personOf } from '../state/selectors.ts';
import type { Pending } from '../state/state.ts';
import { Avatar } from './avatar.tsx';
import { useDesk } from './context.ts';

/** A message that is not in the workspace yet: on its way, or refused and kept. */
export function PendingItem({ item }: { readonly item: Pending }) {
  const { session, me, workspace } = useDesk();
  const author = personOf(workspace.people, me);
  const again = () => {
    session.discard(item.localId);
    void session.say(item.channel, item.text, item.threadTs);
  };
  return (
    <div className={`message message-${item.status}`}>
      <div className="message-gutter">
        <Avatar person={author} size="large" />
      </div>
      <div className="message-body">
        <div className="message-head">
          <strong className="author">{author.name}</strong>
          {item.status === 'sending' && <span className="edited">sending…</span>}
        </div>
        <div className="mrkdwn">
          <div className="lines">{item.text}</div>
        </div>
        {item.status === 'failed' && (
          <p className="problem" role="alert">
            {item.error}{' '}
            <button type="button" className="link" onClick={again}>
              Send again
            </button>{' '}
            <button type="button" className="link" onClick={() => session.discard(item.localId)}>
              Discard
            </button>
          </p>
        )}
      </div>
    </div>
  );
}
