import { isNode, LineCounter, parseDocument } from 'yaml';
import type { WhereIs } from '../policy/approval-settings.ts';

/**
 * A settings file as data, and where each of its keys stands.
 * @throws Error saying line and column when it is no YAML
 */
export function readSettings(
  name: string,
  text: string,
): { readonly data: unknown; readonly whereIs: WhereIs } {
  const lines = new LineCounter();
  const document = parseDocument(text, { uniqueKeys: true, lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return {
    data: document.toJS({ maxAliasCount: 50 }),
    whereIs: (keys) => {
      // What is missing stands nowhere: then what it is missing from.
      for (let length = keys.length; length > 0; length -= 1) {
        const node: unknown = document.getIn(keys.slice(0, length), true);
        const start = isNode(node) ? node.range?.[0] : undefined;
        if (start !== undefined) return `${name}, line ${lines.linePos(start).line}: `;
      }
      return '';
    },
  };
}
