import type { ReactNode } from 'react';
import type { Channel, Person } from '../../contract.ts';
import { channelTitle, personOf, shownName, unread } from '../state/selectors.ts';
import type { Ready } from '../state/state.ts';
import { Avatar } from './avatar.tsx';
import { useDesk } from './context.ts';
import { Glyphs } from './glyphs.tsx';

interface Props {
  readonly state: Ready;
  readonly onChosen: () => void;
}

export function Sidebar({ state, onChosen }: Props) {
  const { session } = useDesk();
  const { workspace, me, place } = state;
  const rooms = workspace.channels.filter((channel) => channel.kind !== 'im' && channel.members.includes(me));
  const others = workspace.channels.filter(
    (channel) => channel.kind === 'public' && !channel.members.includes(me) && !channel.archived,
  );
  const directs = workspace.channels.filter(
    (channel) => channel.kind === 'im' && channel.members.includes(me),
  );
  const strangers = workspace.people.filter(
    (person) => person.id !== me && !directs.some((channel) => channel.members.includes(person.id)),
  );
  const open = (id: string) => {
    session.go({ kind: 'channel', id });
    onChosen();
  };
  return (
    <nav className="sidebar" aria-label="Workspace">
      <h1 className="team">{workspace.team.name}</h1>
      <Section title="Channels">
        {[...rooms, ...others].map((channel) => (
          <ChannelItem key={channel.id} state={state} channel={channel} onOpen={open} />
        ))}
      </Section>
      <Section title="Direct messages">
        {directs.map((channel) => (
          <ChannelItem key={channel.id} state={state} channel={channel} onOpen={open} />
        ))}
        {strangers.map((person) => (
          <StrangerItem key={person.id} person={person} onChosen={onChosen} />
        ))}
      </Section>
      <Section title="Apps">
        <li>
          <button
            type="button"
            className="item"
            aria-label={`App Home of ${workspace.app.name}`}
            aria-current={place.kind === 'home' ? 'page' : undefined}
            onClick={() => {
              session.go({ kind: 'home' });
              onChosen();
            }}
          >
            <span className="item-sign" aria-hidden="true">
              ⌂
            </span>
            <span className="item-name">{workspace.app.name}</span>
            <span className={`presence${workspace.app.connected ? ' presence-on' : ''}`}>
              <span className="hidden">{workspace.app.connected ? 'connected' : 'not connected'}</span>
            </span>
          </button>
        </li>
      </Section>
    </nav>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <ul>{children}</ul>
    </section>
  );
}

interface ItemProps {
  readonly state: Ready;
  readonly channel: Channel;
  readonly onOpen: (id: string) => void;
}

function ChannelItem({ state, channel, onOpen }: ItemProps) {
  const { any, forMe } = unread(state, channel);
  const title = channelTitle(channel, state.me, state.workspace.people);
  const isDirect = channel.kind === 'im';
  const other = personOf(
    state.workspace.people,
    channel.members.find((member) => member !== state.me) ?? state.me,
  );
  const current = state.place.kind === 'channel' && state.place.id === channel.id;
  const label = isDirect ? `Direct message with ${title}` : `Channel ${channel.name}`;
  return (
    <li>
      <button
        type="button"
        className={`item${any ? ' item-unread' : ''}`}
        aria-label={forMe > 0 ? `${label}, ${forMe} unread` : label}
        aria-current={current ? 'page' : undefined}
        onClick={() => onOpen(channel.id)}
      >
        {isDirect ? (
          <Avatar person={other} size="small" />
        ) : (
          <span className="item-sign" aria-hidden="true">
            {channel.kind === 'private' ? <Glyphs text="🔒" /> : '#'}
          </span>
        )}
        <span className="item-name">{isDirect ? title : channel.name}</span>
        {channel.archived && <span className="item-note">archived</span>}
        {isDirect && other.isBot && <span className="app-badge">APP</span>}
        {forMe > 0 && (
          <span className="badge" aria-hidden="true">
            {forMe}
          </span>
        )}
      </button>
    </li>
  );
}

function StrangerItem({ person, onChosen }: { readonly person: Person; readonly onChosen: () => void }) {
  const { session } = useDesk();
  return (
    <li>
      <button
        type="button"
        className="item item-quiet"
        aria-label={`Direct message with ${shownName(person)}`}
        onClick={() => {
          void session.openDirect(person.id);
          onChosen();
        }}
      >
        <Avatar person={person} size="small" />
        <span className="item-name">{shownName(person)}</span>
        {person.isBot && <span className="app-badge">APP</span>}
      </button>
    </li>
  );
}
