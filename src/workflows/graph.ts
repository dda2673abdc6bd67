import type { Box, Picture, Shape } from './shapes.ts';
import { shortened } from './shortened.ts';

/** How Mermaid writes the outline of a box. */
const OUTLINES: Readonly<Record<Shape, readonly [string, string]>> = {
  work: ['[', ']'],
  command: ['[[', ']]'],
  question: ['[/', '/]'],
  choice: ['{', '}'],
  vote: ['{{', '}}'],
  point: ['((', '))'],
  end: ['([', '])'],
};

/** Longest text of a box or an arrow, in characters. */
const TEXT_MAX = 80;

interface Ends {
  readonly entry: string;
  readonly exit: string;
  /** What the arrow that leaves it says. */
  readonly label: string;
}

/** A workflow as a Mermaid flowchart: solid arrows lead on, dotted ones back. */
export function mermaid(picture: Picture): string {
  const rows: string[] = [];
  let boxes = 0;

  const box = ({ shape, text }: Box): string => {
    boxes += 1;
    // Not the node's own id: words such as "end" mean something to Mermaid.
    const name = `n${boxes}`;
    const [open, close] = OUTLINES[shape];
    rows.push(`  ${name}${open}"${text.map(escaped).join('<br/>') || ' '}"${close}`);
    return name;
  };
  const arrow = (from: string, label: string, to: string, line = '-->'): void =>
    void rows.push(`  ${from} ${line}${label === '' ? '' : `|"${escaped(label)}"|`} ${to}`);

  const draw = (part: Picture): Ends => {
    switch (part.type) {
      case 'box': {
        const name = box(part);
        return { entry: name, exit: name, label: '' };
      }
      case 'column': {
        const ends = part.parts.map((each, i, all) => ({ ...draw(each), last: i === all.length - 1 }));
        for (const [i, next] of ends.entries()) {
          const before = ends[i - 1];
          if (before !== undefined) arrow(before.exit, before.label, next.entry);
        }
        const last = ends.at(-1);
        return { entry: ends[0]?.entry ?? '', exit: last?.exit ?? '', label: last?.label ?? '' };
      }
      case 'fork': {
        const head = box(part.head);
        const ways = part.ways.map(({ label, part: way }) => ({
          label,
          ends: way === null ? null : draw(way),
        }));
        const foot = box(part.foot);
        for (const { label, ends } of ways) {
          arrow(head, label, ends?.entry ?? foot);
          if (ends !== null) arrow(ends.exit, ends.label, foot);
        }
        return { entry: head, exit: foot, label: '' };
      }
      case 'cycle': {
        const body = part.body === null ? null : draw(part.body);
        const check = box(part.check);
        if (body !== null) arrow(body.exit, body.label, check);
        const entry = body?.entry ?? check;
        const repair = part.repair === null ? null : draw(part.repair);
        if (repair === null) arrow(check, part.again, entry, '-.->');
        else {
          arrow(check, part.again, repair.entry);
          arrow(repair.exit, repair.label, entry, '-.->');
        }
        return { entry, exit: check, label: part.done };
      }
      default:
        return part satisfies never;
    }
  };

  const start = box({ type: 'box', shape: 'end', text: ['request'] });
  const { entry, exit, label } = draw(picture);
  arrow(start, '', entry);
  arrow(exit, label, box({ type: 'box', shape: 'end', text: ['done'] }));
  return ['flowchart TD', ...rows, ''].join('\n');
}

/**
 * Text that is nothing but text: whatever Mermaid, markdown or HTML could take for more is written by its number. A
 * line that begins like an item of a list would be drawn as an error.
 */
function escaped(text: string): string {
  return shortened(text, TEXT_MAX)
    .replace(/[^\p{L}\p{M}\p{N} .,:?…()/%+=-]/gu, numbered)
    .replace(/^[+-]/, numbered)
    .replace(/^(\d+)\./, '$1#46;');
}

function numbered(sign: string): string {
  return `#${sign.codePointAt(0) ?? 63};`;
}
