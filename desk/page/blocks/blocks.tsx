import { lazy, Suspense } from 'react';
import {
  ActionsBlock,
  AlertBlock,
  ContextActionsBlock,
  ContextBlock,
  HeaderBlock,
  ImageBlock,
  SectionBlock,
  VideoBlock,
} from './basic.tsx';
import { CardBlock, CarouselBlock, ContainerBlock } from './cards.tsx';
import { InputBlockView } from './input-block.tsx';
import { drawerOf } from './kinds.ts';
import { BlockGuard, UnknownBlock } from './unknown.tsx';
import { blockIdOf } from './values.ts';

type Json = Record<string, unknown>;

const LibraryBlock = lazy(() => import('./library.tsx'));

/** Draws Block Kit. Every block is drawn or named as unknown; none is dropped. */
export function Blocks({ blocks }: { readonly blocks: readonly Json[] }) {
  return (
    <div className="blocks">
      {blocks.map((block, index) => {
        const blockId = blockIdOf(block, index);
        return (
          <BlockGuard key={blockId} block={block}>
            <OneBlock block={block} blockId={blockId} />
          </BlockGuard>
        );
      })}
    </div>
  );
}

function OneBlock({ block, blockId }: { readonly block: Json; readonly blockId: string }) {
  const drawer = drawerOf(block);
  if (drawer === 'unknown') return <UnknownBlock block={block} kind="block" />;
  if (drawer === 'ours') return <OwnBlock block={block} blockId={blockId} />;
  return (
    <Suspense fallback={<p className="edited">Loading…</p>}>
      <LibraryBlock block={block} />
    </Suspense>
  );
}

function OwnBlock({ block, blockId }: { readonly block: Json; readonly blockId: string }) {
  switch (block['type']) {
    case 'section':
      return <SectionBlock block={block} blockId={blockId} />;
    case 'header':
      return <HeaderBlock block={block} />;
    case 'divider':
      return <hr />;
    case 'context':
      return <ContextBlock block={block} />;
    case 'actions':
      return <ActionsBlock block={block} blockId={blockId} />;
    case 'input':
      return <InputBlockView block={block} blockId={blockId} />;
    case 'image':
      return <ImageBlock block={block} />;
    case 'alert':
      return <AlertBlock block={block} />;
    case 'card':
      return <CardBlock block={block} blockId={blockId} />;
    case 'carousel':
      return <CarouselBlock block={block} blockId={blockId} />;
    case 'container':
      return <ContainerBlock block={block} draw={(children) => <Blocks blocks={children} />} />;
    case 'context_actions':
      return <ContextActionsBlock block={block} blockId={blockId} />;
    case 'video':
      return <VideoBlock block={block} />;
    default:
      return <UnknownBlock block={block} kind="block" />;
  }
}
