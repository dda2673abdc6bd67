import { traitsOf } from '../patterns/traits.ts';
import type { ResourceClass } from '../ports/workspace.ts';

/**
 * What commands of a run may take: `parallel` where any node of its workflow has agents at work side by side. By the workflow
 * and not by the moment, so that a command has the same bounds however often it is run.
 */
export function resourcesOf(definition: unknown): ResourceClass {
  return sideBySide(definition) ? 'parallel' : 'sequence';
}

function sideBySide(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(sideBySide);
  if (typeof value !== 'object' || value === null) return false;
  if ('kind' in value && typeof value.kind === 'string') {
    const parallel = traitsOf(value.kind)?.parallel ?? 'none';
    if (parallel !== 'none') return true;
  }
  return Object.values(value).some(sideBySide);
}
