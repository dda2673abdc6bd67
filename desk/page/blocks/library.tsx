import { type Block, Message } from 'slack-blocks-to-jsx';
import { z } from 'zod';
import { useDesk } from '../components/context.ts';
import { Glyphs } from '../components/glyphs.tsx';
import { shownName } from '../state/selectors.ts';
import { isSafeUrl } from '../text/mrkdwn.ts';

// Only kinds that `drawerOf` gives to the library come here, and a BlockGuard stands above for wrong shapes.
const blockSchema = z.custom<Block>(
  (value) => typeof value === 'object' && value !== null && 'type' in value,
);

/** A block drawn by slack-blocks-to-jsx. A default export, because it is loaded apart from the page. */
export default function LibraryBlock({ block }: { readonly block: Record<string, unknown> }) {
  const { workspace } = useDesk();
  return (
    <Message
      blocks={[blockSchema.parse(block)]}
      withoutWrapper
      name=""
      logo=""
      data={{
        users: workspace.people.map((person) => ({ id: person.id, name: shownName(person) })),
        channels: workspace.channels
          .filter((channel) => channel.kind !== 'im')
          .map(({ id, name }) => ({ id, name })),
        user_groups: [],
      }}
      hooks={{
        emoji: (data, parse) => <Glyphs text={parse(data)} />,
        user: ({ name }) => <span className="mention">@{name}</span>,
        channel: ({ name }) => <span className="mention">#{name}</span>,
        usergroup: ({ name }) => <span className="mention">@{name}</span>,
        link: ({ href, children }) =>
          isSafeUrl(href) ? (
            <a href={href} target="_blank" rel="noreferrer noopener">
              {children}
            </a>
          ) : (
            <span>{children}</span>
          ),
      }}
    />
  );
}
