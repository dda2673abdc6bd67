import { z } from 'zod';
import { actionElement, contextElement, inputElement } from './elements.ts';
import { anyText, identifier, plainText } from './objects.ts';
import { richTextElement } from './rich-text.ts';

/** The blocks Baton may write. One it never writes is a problem here even where Slack would take it. */

const blockId = identifier.optional();

const section = z
  .strictObject({
    type: z.literal('section'),
    block_id: blockId,
    text: anyText(3_000).optional(),
    fields: z.array(anyText(2_000)).min(1).max(10).optional(),
    accessory: actionElement.optional(),
    expand: z.boolean().optional(),
  })
  .refine(({ text, fields }) => text !== undefined || fields !== undefined, 'needs text or fields');

const actions = z
  .strictObject({
    type: z.literal('actions'),
    block_id: blockId,
    elements: z.array(actionElement).min(1).max(25),
  })
  .refine(({ elements }) => new Set(elements.map((each) => each.action_id)).size === elements.length, {
    path: ['elements'],
    message: 'two elements have the same action_id',
  });

export const messageBlock = z.discriminatedUnion('type', [
  section,
  actions,
  z.strictObject({ type: z.literal('header'), block_id: blockId, text: plainText(150) }),
  z.strictObject({ type: z.literal('divider'), block_id: blockId }),
  z.strictObject({
    type: z.literal('context'),
    block_id: blockId,
    elements: z.array(contextElement).min(1).max(10),
  }),
  z.strictObject({
    type: z.literal('rich_text'),
    block_id: blockId,
    elements: z.array(richTextElement).min(1),
  }),
]);

const viewBlock = z.discriminatedUnion('type', [
  messageBlock,
  z.strictObject({
    type: z.literal('input'),
    block_id: blockId,
    label: plainText(2_000),
    hint: plainText(2_000).optional(),
    optional: z.boolean().optional(),
    dispatch_action: z.boolean().optional(),
    element: inputElement,
  }),
]);

function distinctIds(blocks: readonly { readonly block_id?: string | undefined }[]): boolean {
  const ids = blocks.flatMap((block) => (block.block_id === undefined ? [] : [block.block_id]));
  return new Set(ids).size === ids.length;
}

const SAME_ID = 'two blocks have the same block_id';

export const messageBlocks = z.array(messageBlock).max(50).refine(distinctIds, SAME_ID);
const viewBlocks = z.array(viewBlock).min(1).max(100).refine(distinctIds, SAME_ID);

const modal = z
  .strictObject({
    type: z.literal('modal'),
    callback_id: identifier.optional(),
    title: plainText(24),
    submit: plainText(24).optional(),
    close: plainText(24).optional(),
    private_metadata: z.string().max(3_000).optional(),
    clear_on_close: z.boolean().optional(),
    notify_on_close: z.boolean().optional(),
    external_id: identifier.optional(),
    blocks: viewBlocks,
  })
  .refine(({ blocks, submit }) => submit !== undefined || blocks.every(({ type }) => type !== 'input'), {
    path: ['submit'],
    message: 'is needed when there are inputs',
  });

const home = z.strictObject({
  type: z.literal('home'),
  callback_id: identifier.optional(),
  private_metadata: z.string().max(3_000).optional(),
  external_id: identifier.optional(),
  blocks: viewBlocks,
});

export const view = z.discriminatedUnion('type', [modal, home]);
