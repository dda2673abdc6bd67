import { useState } from 'react';
import { channelTitle } from '../state/selectors.ts';
import type { Ready } from '../state/state.ts';
import { Composer } from './composer.tsx';
import { useDesk } from './context.ts';
import { Hint } from './hint.tsx';
import { MessageList } from './message-list.tsx';
import { useDraft } from './use-draft.ts';

export function ChannelPane({ state, id }: { readonly state: Ready; readonly id: string }) {
  const { session } = useDesk();
  const [text, setText] = useDraft(`${state.me}/${id}`);
  const [handed, setHanded] = useState(0);
  const channel = state.workspace.channels.find((one) => one.id === id);
  if (channel === undefined) return <p className="nothing">Opening…</p>;
  const title = channelTitle(channel, state.me, state.workspace.people);
  const count = channel.members.length;
  return (
    <>
      <header className="pane-head">
        <h2>{title}</h2>
        {channel.kind !== 'im' && (
          <span className="pane-note">{count === 1 ? '1 member' : `${count} members`}</span>
        )}
      </header>
      <MessageList
        messages={state.messages[id] ?? []}
        pending={state.pending.filter((item) => item.channel === id && item.threadTs === null)}
        onThread={session.openThread}
      />
      <div className="pane-foot">
        {channel.kind !== 'im' && (
          <Hint
            onUse={(example) => {
              setText(example);
              setHanded(handed + 1);
            }}
          />
        )}
        {channel.archived ? (
          <p className="nothing">This channel is archived. Nothing new can be written in it.</p>
        ) : (
          <Composer
            channel={channel}
            threadTs={null}
            label={`Message ${title}`}
            text={text}
            onText={setText}
            handed={handed}
          />
        )}
      </div>
    </>
  );
}
