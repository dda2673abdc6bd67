import { type Block, Message } from 'slack-blocks-to-jsx';
import { z } from 'zod';
import { useDesk } from '../components/context.ts';
import { Glyphs, splitSigns } from '../components/glyphs.tsx';
import { shownName } from '../state/selectors.ts';
import { isSafeUrl } from '../text/mrkdwn.ts';

// Only kinds that `drawerOf` gives to the library come here, and a BlockGuard stands above for wrong shapes.
const blockSchema = z.custom<Block>(
  (value) => typeof value === 'object' && value !== null && 'type' in value,
);

const textSchema = z.looseObject({ type: z.literal('text'), text: z.string() });
const parentSchema = z.looseObject({ elements: z.array(z.unknown()) });

/** State signs in rich text as emoji elements, so that the hook below draws them; the library writes text as it is. */
function withSigns(node: unknown): unknown {
  const parent = parentSchema.safeParse(node);
  if (!parent.success) return node;
  const elements = parent.data.elements.flatMap((element): unknown[] => {
    const leaf = textSchema.safeParse(element);
    if (!leaf.success) return [withSigns(element)];
    return splitSigns(leaf.data.text).map(({ text, sign }) =>
      sign ? { type: 'emoji', name: text } : { ...leaf.data, text },
    );
  });
  return { ...parent.data, elements };
}

/** A block drawn by slack-blocks-to-jsx. A default export, because it is loaded apart from the page. */
export default function LibraryBlock({ block }: { readonly block: Record<string, unknown> }) {
  const { workspace } = useDesk();
  return (
    <Message
      blocks={[blockSchema.parse(withSigns(block))]}
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
        emoji: (data, parse) => {
          const isSign = splitSigns(data.name).some(({ sign }) => sign);
          return <Glyphs text={isSign ? data.name : parse(data)} />;
        },
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
