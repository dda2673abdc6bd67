import { canonicalJson } from '../../domain/json.ts';
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
}

/** What people are shown of a file in conflict, and what their answer is bound to: the very states that met. */
export async function conflictContent(
  { registry, redact }: { readonly registry: WorkspaceRegistry; readonly redact: (text: string) => string },
  runId: string,
  { stream, path, before, second, firstName, secondName }: ConflictAsked,
) {
  const { line } = await registry.of(runId, stream);
  const sides = await line.sidesOf({ path, before, second, maxChars: SIDE_CHARS });
  const shown = (name: string, side: string): string =>
    `${name}:\n${redact(side).trim() || '(no text to show)'}`;
  return {
    payload: canonicalJson({ kind: 'conflict', runId, path, before, second }),
    excerpt: `${shown(`First, ${firstName}`, sides.first)}\n\n${shown(`Second, ${secondName}`, sides.second)}`,
    cut: sides.cut || redact(sides.first) !== sides.first || redact(sides.second) !== sides.second,
    tree: null,
    commit: null,
    labels: { approve: 'Take first', request_changes: 'Take second', reject: 'Stop' },
  };
}
