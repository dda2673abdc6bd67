import { Fragment, useState } from 'react';
import type { Message } from '../../contract.ts';
import { channelMessages, replyCount } from '../state/selectors.ts';
import type { Pending } from '../state/state.ts';
import { dayOf, msOf } from '../text/time.ts';
import { MessageItem } from './message-item.tsx';
import { PendingItem } from './pending-item.tsx';
import { useBottom } from './use-bottom.ts';

/** Messages drawn at once; a long channel stays quick, and the rest is one click away. */
const PAGE = 150;
/** Milliseconds within which one person's messages read as one. */
const CLOSE_MS = 5 * 60_000;

interface Props {
  readonly messages: readonly Message[];
  readonly pending: readonly Pending[];
  readonly onThread: (ts: string) => void;
}

/** A channel's messages, days marked, at its end unless somebody scrolled away. */
export function MessageList({ messages, pending, onThread }: Props) {
  const [pages, setPages] = useState(1);
  const all = channelMessages(messages);
  const shown = all.slice(-PAGE * pages);
  const { box, content, below, toBottom } = useBottom(pending.at(-1)?.localId ?? all.at(-1)?.ts ?? null);
  const now = new Date();
  return (
    <div className="scroll-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <div className="scroll" ref={box} role="log" aria-label="Messages" tabIndex={0}>
        <div className="scroll-content" ref={content}>
          {shown.length < all.length && (
            <button type="button" className="earlier" onClick={() => setPages(pages + 1)}>
              Show earlier messages
            </button>
          )}
          {all.length === 0 && pending.length === 0 && <p className="nothing">Nothing here yet.</p>}
          {shown.map((message, index) => {
            const before = shown[index - 1];
            const day = dayOf(message.ts, now);
            const newDay = before === undefined || dayOf(before.ts, now) !== day;
            return (
              <Fragment key={message.ts}>
                {newDay && (
                  <div className="day">
                    <span>{day}</span>
                  </div>
                )}
                <MessageItem
                  message={message}
                  compact={!newDay && follows(before, message)}
                  replies={replyCount(messages, message)}
                  lastReply={lastReplyOf(messages, message)}
                  onThread={onThread}
                />
              </Fragment>
            );
          })}
          {pending.map((item) => (
            <PendingItem key={item.localId} item={item} />
          ))}
        </div>
      </div>
      {below && (
        <button type="button" className="to-bottom" onClick={toBottom}>
          New messages ↓
        </button>
      )}
    </div>
  );
}

function follows(before: Message | undefined, message: Message): boolean {
  return (
    before !== undefined &&
    before.user === message.user &&
    before.ephemeralFor === null &&
    message.ephemeralFor === null &&
    before.replyCount === 0 &&
    msOf(message.ts) - msOf(before.ts) < CLOSE_MS
  );
}

function lastReplyOf(messages: readonly Message[], parent: Message): string | null {
  return (
    messages.findLast(
      (message) => message.threadTs === parent.ts && message.ts !== parent.ts && !message.deleted,
    )?.ts ?? null
  );
}
