import { memo } from 'react';
import type { Message } from '../../contract.ts';
import { Blocks } from '../blocks/blocks.tsx';
import { FormProvider } from '../blocks/form.tsx';
import { personOf, shownName } from '../state/selectors.ts';
import { clockOf, msOf } from '../text/time.ts';
import { Avatar } from './avatar.tsx';
import { useDesk } from './context.ts';
import { Mrkdwn } from './mrkdwn.tsx';

interface Props {
  readonly message: Message;
  /** Follows a message of the same person closely, so the name is not said again. */
  readonly compact: boolean;
  readonly replies: number;
  readonly lastReply: string | null;
  /** Null inside a thread, where there is nothing further to open. */
  readonly onThread: ((ts: string) => void) | null;
}

export const MessageItem = memo(function MessageItem({
  message,
  compact,
  replies,
  lastReply,
  onThread,
}: Props) {
  const { workspace } = useDesk();
  const author = personOf(workspace.people, message.user);
  const ephemeral = message.ephemeralFor !== null;
  const time = clockOf(message.ts);
  const full = new Date(msOf(message.ts)).toLocaleString();
  return (
    <article
      className={`message${compact ? ' message-compact' : ''}${ephemeral ? ' message-ephemeral' : ''}`}
      aria-label={`${shownName(author)}, ${time}`}
      data-ts={message.ts}
    >
      {ephemeral && <p className="only-you">Only visible to you</p>}
      <div className="message-gutter">
        {compact ? <time title={full}>{time}</time> : <Avatar person={author} size="large" />}
      </div>
      <div className="message-body">
        {!compact && (
          <div className="message-head">
            <strong className="author">{shownName(author)}</strong>
            {author.isBot && <span className="app-badge">APP</span>}
            <time dateTime={new Date(msOf(message.ts)).toISOString()} title={full}>
              {time}
            </time>
          </div>
        )}
        {message.deleted ? (
          <p className="deleted">This message was deleted.</p>
        ) : (
          <Content message={message} />
        )}
        {message.editedTs !== null && !message.deleted && <span className="edited">(edited)</span>}
        {onThread !== null && replies > 0 && (
          <button type="button" className="replies" onClick={() => onThread(message.ts)}>
            {replies === 1 ? '1 reply' : `${replies} replies`}
            {lastReply !== null && <span className="replies-last">last at {clockOf(lastReply)}</span>}
          </button>
        )}
      </div>
      {onThread !== null && !ephemeral && !message.deleted && (
        <button type="button" className="to-thread" onClick={() => onThread(message.ts)}>
          Reply in thread
        </button>
      )}
    </article>
  );
});

function Content({ message }: { readonly message: Message }) {
  if (message.blocks.length === 0) return <Mrkdwn text={message.text} />;
  return (
    <FormProvider
      container={{ type: 'message', channel: message.channel, ts: message.ts }}
      blocks={message.blocks}
    >
      <Blocks blocks={message.blocks} />
    </FormProvider>
  );
}
