import type { ReactNode } from 'react';
import { ElementView } from './element.tsx';
import { cardSchema, carouselSchema, containerSchema } from './schema.ts';
import { blockIdOf } from './values.ts';
import { Words } from './words.tsx';

type Json = Record<string, unknown>;

export function CardBlock({ block, blockId }: { readonly block: Json; readonly blockId: string }) {
  const { title, subtitle, body, actions } = cardSchema.parse(block);
  return (
    <div className="card">
      {title !== undefined && (
        <strong className="card-title">
          <Words text={title} />
        </strong>
      )}
      {subtitle !== undefined && (
        <div className="card-subtitle">
          <Words text={subtitle} />
        </div>
      )}
      {body !== undefined && <Words text={body} />}
      {actions !== undefined && actions.length > 0 && (
        <div className="actions">
          {actions.map((element, index) => (
            <ElementView key={element.action_id ?? index} placed={{ blockId, element }} />
          ))}
        </div>
      )}
    </div>
  );
}

export function CarouselBlock({ block, blockId }: { readonly block: Json; readonly blockId: string }) {
  const { elements } = carouselSchema.parse(block);
  return (
    <ul className="carousel">
      {elements.map((card, index) => (
        <li key={blockIdOf(card, index)}>
          <CardBlock
            block={card}
            blockId={typeof card['block_id'] === 'string' ? card['block_id'] : blockId}
          />
        </li>
      ))}
    </ul>
  );
}

interface ContainerProps {
  readonly block: Json;
  /** Draws the blocks inside; handed in, because blocks and containers hold each other. */
  readonly draw: (blocks: readonly Json[]) => ReactNode;
}

export function ContainerBlock({ block, draw }: ContainerProps) {
  const { title, subtitle, child_blocks } = containerSchema.parse(block);
  return (
    <div className="card">
      {title !== undefined && (
        <strong className="card-title">
          <Words text={title} />
        </strong>
      )}
      {subtitle !== undefined && (
        <div className="card-subtitle">
          <Words text={subtitle} />
        </div>
      )}
      {draw(child_blocks)}
    </div>
  );
}
