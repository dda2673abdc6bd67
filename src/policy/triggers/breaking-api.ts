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
  if (was.exported.size === 0 && was.stars.size === 0) return [];
  const why = after === null ? 'it is gone with all it exports' : brokenExport(was, surfaceOf(after));
  return why === null ? [] : [{ path, why }];
}
