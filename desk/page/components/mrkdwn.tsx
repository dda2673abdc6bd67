import { type ReactNode, useMemo } from 'react';
import { personOf, shownName } from '../state/selectors.ts';
import { emojiOf } from '../text/emoji.ts';
import { keyed } from '../text/keyed.ts';
import { type Inline, parseMrkdwn } from '../text/mrkdwn.ts';
import { formatDate } from '../text/time.ts';
import { type Desk, useDesk } from './context.ts';
import { Glyphs } from './glyphs.tsx';

/** Draws Slack's mrkdwn. Every leaf is React text, so markup in a message stays text. */
export function Mrkdwn({ text }: { readonly text: string }) {
  const desk = useDesk();
  const blocks = useMemo(() => parseMrkdwn(text), [text]);
  return (
    <div className="mrkdwn">
      {keyed(blocks).map(({ key, item: block }) => {
        if (block.kind === 'pre') return <pre key={key}>{block.text}</pre>;
        const children = drawInline(block.children, desk);
        return block.kind === 'quote' ? (
          <blockquote key={key}>{children}</blockquote>
        ) : (
          <div key={key} className="lines">
            {children}
          </div>
        );
      })}
    </div>
  );
}

/** Plain text with its emoji short names drawn and nothing else read. */
export function PlainText({ text }: { readonly text: string }) {
  return <Glyphs text={text.replace(/:([a-z0-9_+-]+):/g, (all, name: string) => emojiOf(name) ?? all)} />;
}

function drawInline(nodes: readonly Inline[], desk: Desk): ReactNode {
  return keyed(nodes).map(({ key, item }) => <InlineNode key={key} node={item} desk={desk} />);
}

function InlineNode({ node, desk }: { readonly node: Inline; readonly desk: Desk }): ReactNode {
  switch (node.kind) {
    case 'text':
      return <Glyphs text={node.text} />;
    case 'bold':
      return <strong>{drawInline(node.children, desk)}</strong>;
    case 'italic':
      return <em>{drawInline(node.children, desk)}</em>;
    case 'strike':
      return <s>{drawInline(node.children, desk)}</s>;
    case 'code':
      return <code>{node.text}</code>;
    case 'link':
      return (
        <a href={node.url} target="_blank" rel="noreferrer noopener">
          {node.label}
        </a>
      );
    case 'user': {
      const person = personOf(desk.workspace.people, node.id);
      return (
        <span className={`mention${node.id === desk.me ? ' mention-me' : ''}`}>
          @{person.name === node.id ? (node.label ?? node.id) : shownName(person)}
        </span>
      );
    }
    case 'channel':
      return <ChannelLink id={node.id} label={node.label} desk={desk} />;
    case 'usergroup':
      return <span className="mention">{node.label ?? `@${node.id}`}</span>;
    case 'broadcast':
      return <span className="mention mention-me">@{node.name}</span>;
    case 'date':
      return (
        <time dateTime={new Date(node.seconds * 1000).toISOString()}>
          {formatDate(node.seconds, node.format)}
        </time>
      );
    case 'emoji':
      return <Glyphs text={emojiOf(node.name) ?? `:${node.name}:`} />;
    default: {
      const unknown: never = node;
      return unknown;
    }
  }
}

function ChannelLink({
  id,
  label,
  desk,
}: {
  readonly id: string;
  readonly label: string | null;
  readonly desk: Desk;
}) {
  const channel = desk.workspace.channels.find((one) => one.id === id);
  if (channel === undefined) return <span className="mention">#{label ?? id}</span>;
  return (
    <button
      type="button"
      className="mention mention-link"
      onClick={() => desk.session.go({ kind: 'channel', id })}
    >
      #{channel.name}
    </button>
  );
}
