import { z } from 'zod';
import { fillIds } from '../blocks/ids.ts';
import { blockTextSize, validateBlocks } from '../blocks/validate.ts';
import { ApiError } from '../errors.ts';
import { isJson, type Json, jsonListSchema, parseJson } from '../json.ts';

/** Slack cuts a message's text here. */
const TEXT_CUT = 40_000;
/** chat.update refuses text that is longer. */
const UPDATE_TEXT_MAX = 4_000;
/**
 * Slack refuses a message whose blocks hold too much text, at an undocumented size: 9,597 characters were
 * seen accepted and 11,341 refused. The desk takes the middle of that range, so it may refuse early.
 */
const BLOCK_TEXT_MAX = 10_500;
const METADATA_BYTES = 16_000;
const MAX_ATTACHMENTS = 100;

export type Content = Readonly<{
  text: string;
  /** Null when the caller sent none. */
  blocks: Json[] | null;
  attachments: Json[] | null;
  metadata: Json | null | undefined;
}>;

function readList(value: unknown, error: string): Json[] | null {
  if (value === undefined || value === null || value === '') return null;
  const list = jsonListSchema.safeParse(typeof value === 'string' ? parseJson(value) : value);
  if (!list.success) throw new ApiError(error);
  return list.data;
}

/** Validated blocks with ids filled in; throws invalid_blocks with a JSON pointer per fault. */
function checkBlocks(blocks: Json[]): Json[] {
  const faults = validateBlocks(blocks, 'message');
  if (faults.length > 0) {
    throw new ApiError(
      'invalid_blocks',
      faults.map((fault) => `[ERROR] ${fault}`),
    );
  }
  if (blockTextSize(blocks) > BLOCK_TEXT_MAX) throw new ApiError('msg_blocks_too_long');
  return fillIds(blocks);
}

const metadataSchema = z.strictObject({
  event_type: z.string().min(1),
  event_payload: z.record(z.string(), z.unknown()),
  entities: z.array(z.unknown()).optional(),
});

function readMetadata(value: unknown): Json | null | undefined {
  if (value === undefined) return undefined;
  const object = typeof value === 'string' ? parseJson(value) : value;
  if (isJson(object) && Object.keys(object).length === 0) return null;
  if (!metadataSchema.safeParse(object).success || !isJson(object)) {
    throw new ApiError('invalid_metadata_format');
  }
  if (JSON.stringify(object).length > METADATA_BYTES) throw new ApiError('metadata_too_large');
  return object;
}

/** What a message is to show, checked as Slack checks it. `kind` decides about the length of text. */
export function readContent(args: Json, kind: 'post' | 'update'): Content {
  const blocks = readList(args['blocks'], 'invalid_blocks_format');
  const attachments = readList(args['attachments'], 'invalid_attachments');
  const given = args['text'];
  const text = typeof given === 'string' ? given : '';
  if (attachments !== null && attachments.length > MAX_ATTACHMENTS)
    throw new ApiError('too_many_attachments');
  const empty = (blocks ?? []).length === 0 && (attachments ?? []).length === 0;
  if (text.trim() === '' && empty) throw new ApiError('no_text');
  if (kind === 'update' && text.length > UPDATE_TEXT_MAX) throw new ApiError('msg_too_long');
  for (const attachment of attachments ?? []) {
    const nested = readList(attachment['blocks'], 'invalid_blocks_format');
    if (nested !== null) checkBlocks(nested);
  }
  return {
    text: text.slice(0, TEXT_CUT),
    blocks: blocks === null ? null : checkBlocks(blocks),
    attachments,
    metadata: readMetadata(args['metadata']),
  };
}
