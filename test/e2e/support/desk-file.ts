import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

/** What a desk leaves in its folder for those who connect to it. */
export const deskFileSchema = z.object({
  url: z.string(),
  pid: z.number(),
  apiUrl: z.string(),
  botToken: z.string(),
  appToken: z.string(),
  signingSecret: z.string(),
});
export type DeskFile = z.infer<typeof deskFileSchema>;

/** The desk that Baton started under its home. */
export function deskFileOf(home: string): DeskFile {
  return deskFileSchema.parse(JSON.parse(readFileSync(path.join(home, 'desk', 'desk.json'), 'utf8')));
}
