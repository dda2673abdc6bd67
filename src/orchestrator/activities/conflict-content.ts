import { z } from 'zod';
import type { ApprovalSubject } from '../../domain/approval.ts';
import { EDIT_CHARS, fitsAForm, inFields } from '../../domain/conflict-edit.ts';
import { canonicalJson } from '../../domain/json.ts';
import type { Meeting } from '../../ports/workspace.ts';
import type { WorkspaceRegistry } from '../workspace-registry.ts';

/** Characters of each side that a card shows: both fit beside the rest of it. */
const SIDE_CHARS = 1_400;

export interface ConflictAsked {
  readonly stream: string | null;
  readonly path: string;
  readonly before: string;
  readonly second: string;
  readonly firstName: string;
  readonly secondName: string;
  readonly from?: string | null;
}

/** What people are shown of a file in conflict, and what their answer is bound to: the very contents that met. */
export async function conflictContent(
  { registry, redact }: { readonly registry: WorkspaceRegistry; readonly redact: (text: string) => string },
  runId: string,
  { stream, path, before, second, firstName, secondName, from }: ConflictAsked,
) {
  const { line } = await registry.of(runId, stream);
  const sides = await line.sidesOf({ path, before, second, maxChars: SIDE_CHARS });
  const shown = (name: string, side: string): string =>
    `${name}:\n${redact(side).trim() || '(no text to show)'}`;
  const met = await line.meeting({ path, before, second, maxChars: EDIT_CHARS });
  const bound =
    from === undefined || met === null
      ? {}
      : { stream, from, sides: { first: met.first, second: met.second } };
  return {
    payload: canonicalJson({ kind: 'conflict', runId, path, before, second, ...bound }),
    excerpt: `${shown(`First, ${firstName}`, sides.first)}\n\n${shown(`Second, ${secondName}`, sides.second)}`,
    cut: sides.cut || redact(sides.first) !== sides.first || redact(sides.second) !== sides.second,
    tree: null,
    commit: null,
    labels: { approve: 'Take first', request_changes: 'Take second', reject: 'Stop' },
    ...(met === null ? {} : { edit: editOf(met, redact) }),
  };
}

/** What the form begins with, or why there is none, as the end of a sentence. */
function editOf({ marked }: Meeting, redact: (text: string) => string): ApprovalSubject['edit'] {
  if ('not' in marked) return { why: whyNot(marked) };
  const { text } = marked;
  if (!fitsAForm(text)) return { why: 'it holds characters that a form would change' };
  if (redact(text) !== text) return { why: 'it holds what looks like a secret' };
  return inFields(text) === null ? { why: tooLong(text.length) } : { text };
}

function whyNot(marked: Extract<Meeting['marked'], { not: string }>): string {
  switch (marked.not) {
    case 'text':
      return 'it is not text (binary)';
    case 'plain_file':
      return 'it is no plain file on both sides';
    case 'two_files':
      return 'only one side has such a file';
    case 'marked':
      return 'git cannot put both sides into one text';
    case 'short':
      return tooLong(marked.chars);
    default:
      return marked satisfies never;
  }
}

function tooLong(chars: number): string {
  return `it is too long for a form (about ${chars} characters with both sides in it; ${EDIT_CHARS} at most)`;
}

const side = z.string().nullable();
const boundSchema = z.looseObject({
  runId: z.string(),
  path: z.string(),
  stream: side,
  from: side,
  sides: z.looseObject({ first: side, second: side }),
});

/**
 * What a question about a conflict is bound to, as it is now: the payload itself while both sides are what they were. One
 * of the first version, which did not say where its sides come from, stays as it was asked.
 */
export async function conflictNow(registry: Pick<WorkspaceRegistry, 'of'>, payload: string): Promise<string> {
  const read = boundSchema.safeParse(JSON.parse(payload));
  if (!read.success) return payload;
  const { runId, path, stream, from, sides } = read.data;
  const now = await (await registry.of(runId, stream)).line.sidesNow({ path, stream: from });
  if (now?.first === sides.first && now.second === sides.second) return payload;
  const changed = now === null ? null : { first: now.first, second: now.second };
  return canonicalJson({ kind: 'conflict', runId, path, stream, from, sides: changed });
}
