import { channelTitle, threadMessages } from '../state/selectors.ts';
import type { Ready } from '../state/state.ts';
import { Composer } from './composer.tsx';
import { useDesk } from './context.ts';
import { MessageItem } from './message-item.tsx';
import { PendingItem } from './pending-item.tsx';
import { useBottom } from './use-bottom.ts';
import { useDraft } from './use-draft.ts';

interface Props {
  readonly state: Ready;
  readonly channel: string;
  readonly ts: string;
}

export function ThreadPane({ state, channel: id, ts }: Props) {
  const { session } = useDesk();
  const [text, setText] = useDraft(`${state.me}/${id}/${ts}`);
  const { parent, replies } = threadMessages(state.messages[id] ?? [], ts);
  const pending = state.pending.filter((item) => item.channel === id && item.threadTs === ts);
  const { box, content, below, toBottom } = useBottom(pending.at(-1)?.localId ?? replies.at(-1)?.ts ?? null);
  const channel = state.workspace.channels.find((one) => one.id === id);
  if (channel === undefined) return null;
  return (
    <aside className="thread" aria-label="Thread">
      <header className="pane-head">
        <h2>Thread</h2>
        <span className="pane-note">{channelTitle(channel, state.me, state.workspace.people)}</span>
        <button
          type="button"
          className="plain"
          aria-label="Close thread"
          onClick={() => session.openThread(null)}
        >
          ×
        </button>
      </header>
      <div className="scroll-frame">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
        <div className="scroll" ref={box} role="log" aria-label="Replies" tabIndex={0}>
          <div className="scroll-content" ref={content}>
            {parent === null ? (
              <p className="nothing">The first message of this thread is not here any more.</p>
            ) : (
              <MessageItem message={parent} compact={false} replies={0} lastReply={null} onThread={null} />
            )}
            <div className="day">
              <span>{replies.length === 1 ? '1 reply' : `${replies.length} replies`}</span>
            </div>
            {replies.map((message) => (
              <MessageItem
                key={message.ts}
                message={message}
                compact={false}
                replies={0}
                lastReply={null}
                onThread={null}
              />
            ))}
            {pending.map((item) => (
              <PendingItem key={item.localId} item={item} />
            ))}
          </div>
        </div>
        {below && (
          <button type="button" className="to-bottom" onClick={toBottom}>
            New replies ↓
          </button>
        )}
      </div>
      <div className="pane-foot">
        <Composer channel={channel} threadTs={ts} label="Reply in thread" text={text} onText={setText} />
      </div>
    </aside>
  );
}
