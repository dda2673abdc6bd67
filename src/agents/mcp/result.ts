import { z } from 'zod';

/** What a call came back with, before anything of it is believed. */
export const callResultSchema = z.looseObject({
  content: z.array(z.unknown()).default([]),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().optional(),
});
export type CallResult = z.infer<typeof callResultSchema>;

/** Pieces of one result that are looked at. */
const MAX_PIECES = 200;

const pieceSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('image'), mimeType: z.string().default('image'), data: z.string() }),
  z.object({ type: z.literal('audio'), mimeType: z.string().default('audio'), data: z.string() }),
  z.object({ type: z.literal('resource_link'), uri: z.string(), name: z.string().default('') }),
  z.object({
    type: z.literal('resource'),
    resource: z.object({ uri: z.string(), text: z.string().optional(), blob: z.string().optional() }),
  }),
]);

/** A result as text: what is no text is named and left out. */
export function resultText({ content, structuredContent }: CallResult): string {
  const lines = content.slice(0, MAX_PIECES).map(pieceText);
  if (content.length > MAX_PIECES) lines.push(`[… ${content.length - MAX_PIECES} more pieces left out …]`);
  // Servers repeat what is structured as text; where one does not, it is all there is.
  if (lines.length === 0 && structuredContent !== undefined) lines.push(JSON.stringify(structuredContent));
  return lines.join('\n');
}

function pieceText(piece: unknown): string {
  const parsed = pieceSchema.safeParse(piece);
  if (!parsed.success) return '[a piece of an unknown kind, left out]';
  const { data } = parsed;
  switch (data.type) {
    case 'text':
      return data.text;
    case 'image':
    case 'audio':
      return `[${data.type}, ${data.mimeType.slice(0, 60)}, ${Math.round((data.data.length * 3) / 4)} bytes, left out]`;
    case 'resource_link':
      return `[link to ${data.uri.slice(0, 500)}]`;
    case 'resource':
      return data.resource.text ?? `[${data.resource.uri.slice(0, 500)}, no text, left out]`;
    default:
      return data satisfies never;
  }
}
