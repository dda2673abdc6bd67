import type { ChangedFile } from '../../ports/workspace.ts';
import { type Finding, isTest } from './change.ts';
import { openApiBreaks } from './openapi.ts';
import { protobufBreaks } from './protobuf.ts';
import { brokenExport, surfaceOf } from './ts-surface.ts';

const CODE = /\.[cm]?[jt]sx?$/;

/** Whoever uses what this repository offers would not survive: exported code, OpenAPI, protobuf. */
export function apiBreaks(files: readonly ChangedFile[]): Finding[] {
  return [...files.flatMap(codeBreak), ...openApiBreaks(files), ...protobufBreaks(files)];
}

function codeBreak({ path, before, after, unread }: ChangedFile): Finding[] {
  if (!CODE.test(path) || isTest(path)) return [];
  if (unread) return [{ path, why: 'it is too large to compare what it exports' }];
  if (before === null) return [];
  const was = surfaceOf(before);
  if (was.whole && was.exported.size === 0 && was.stars.size === 0) return [];
  if (after === null) return EXPORTS.test(before) ? [{ path, why: 'it is gone with all it exports' }] : [];
  const is = surfaceOf(after);
  const why = brokenExport(was, is) ?? (was.whole && is.whole ? null : unreadable(path, before, after));
  return why === null ? [] : [{ path, why }];
}

const EXPORTS = /\bexports?\b|\bdeclare\s+(?:global|module)\b/;
/** Files in which text may stand between tags, apostrophes and all. */
const TAGS = /\.(jsx|tsx|js)$/;

/**
 * Something in the file is beyond what is read here, and may hide any export. Where that can be text between tags, the
 * lines that export are compared; anywhere else whatever changes is asked about.
 */
function unreadable(path: string, before: string, after: string): string | null {
  if (!EXPORTS.test(before)) return null;
  const gone = new Set(exportLines(before)).difference(new Set(exportLines(after)));
  if (TAGS.test(path) ? gone.size === 0 : squeeze(before) === squeeze(after)) return null;
  return 'it cannot be read, so that what it exports cannot be compared';
}

function exportLines(text: string): string[] {
  return text
    .split(/\r?\n|\r/)
    .filter((line) => EXPORTS.test(line))
    .map(squeeze);
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
