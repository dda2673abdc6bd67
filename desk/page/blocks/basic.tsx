import { PlainText } from '../components/mrkdwn.tsx';
import { keyed } from '../text/keyed.ts';
import { isSafeUrl } from '../text/mrkdwn.ts';
import { ElementView } from './element.tsx';
import {
  alertSchema,
  type Element,
  elementsSchema,
  headerSchema,
  imageSchema,
  plain,
  sectionSchema,
  textSchema,
  videoSchema,
} from './schema.ts';
import { Words } from './words.tsx';

type Json = Record<string, unknown>;
interface Props {
  readonly block: Json;
}
interface PlacedProps extends Props {
  readonly blockId: string;
}

export function SectionBlock({ block, blockId }: PlacedProps) {
  const { text, fields, accessory } = sectionSchema.parse(block);
  return (
    <div className="section">
      <div className="section-text">
        {text !== undefined && <Words text={text} />}
        {fields !== undefined && (
          <div className="fields">
            {keyed(fields).map(({ key, item: field }) => (
              <div key={key}>
                <Words text={field} />
              </div>
            ))}
          </div>
        )}
      </div>
      {accessory !== undefined && (
        <div className="accessory">
          <ElementView placed={{ blockId, element: accessory }} />
        </div>
      )}
    </div>
  );
}

export function HeaderBlock({ block }: Props) {
  return (
    <h3 className="header-block">
      <PlainText text={headerSchema.parse(block).text.text} />
    </h3>
  );
}

export function ContextBlock({ block }: Props) {
  const { elements } = elementsSchema.parse(block);
  return (
    <div className="context">
      {keyed(elements).map(({ key, item: element }) => (
        <ContextElement key={key} element={element} />
      ))}
    </div>
  );
}

function ContextElement({ element }: { readonly element: Element }) {
  if (element.type === 'image') return <Picture url={element.image_url} alt={element.alt_text ?? ''} small />;
  return <Words text={textSchema.parse(element)} />;
}

export function ActionsBlock({ block, blockId }: PlacedProps) {
  const { elements } = elementsSchema.parse(block);
  return (
    <div className="actions">
      {elements.map((element, index) => (
        <ElementView key={element.action_id ?? index} placed={{ blockId, element }} />
      ))}
    </div>
  );
}

export function ContextActionsBlock({ block, blockId }: PlacedProps) {
  return (
    <div className="context-actions">
      <ActionsBlock block={block} blockId={blockId} />
    </div>
  );
}

export function ImageBlock({ block }: Props) {
  const { image_url, alt_text, title } = imageSchema.parse(block);
  return (
    <figure className="image-block">
      {title !== undefined && <figcaption>{plain(title)}</figcaption>}
      <Picture url={image_url} alt={alt_text ?? ''} small={false} />
    </figure>
  );
}

/** The page loads nothing from other places, so a picture elsewhere is named and linked. */
function Picture({
  url,
  alt,
  small,
}: {
  readonly url: string | undefined;
  readonly alt: string;
  readonly small: boolean;
}) {
  if (url?.startsWith('data:image/') === true)
    return <img src={url} alt={alt} className={small ? 'picture-small' : 'picture'} />;
  if (url !== undefined && isSafeUrl(url)) {
    return (
      <a href={url} target="_blank" rel="noreferrer noopener">
        Picture: {alt === '' ? url : alt}
      </a>
    );
  }
  return <span>Picture: {alt === '' ? 'without a description' : alt}</span>;
}

export function VideoBlock({ block }: Props) {
  const { title, description, title_url } = videoSchema.parse(block);
  return (
    <div className="card">
      <strong>
        {title_url !== undefined && isSafeUrl(title_url) ? (
          <a href={title_url}>{plain(title)}</a>
        ) : (
          plain(title)
        )}
      </strong>
      {description !== undefined && <p>{plain(description)}</p>}
      <p className="edited">A video; the desk loads nothing from elsewhere.</p>
    </div>
  );
}

const LEVELS = { info: 'Information', warning: 'Warning', error: 'Error', success: 'Done' } as const;

export function AlertBlock({ block }: Props) {
  const { text, level } = alertSchema.parse(block);
  const known =
    level === 'info' || level === 'warning' || level === 'error' || level === 'success' ? level : 'info';
  return (
    <div className={`alert alert-${known}`} role="note" aria-label={LEVELS[known]}>
      {typeof text === 'string' ? <PlainText text={text} /> : <Words text={text} />}
    </div>
  );
}
