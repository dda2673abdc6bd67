import type { Box, Picture, Shape } from './shapes.ts';
import { shortened } from './shortened.ts';

/** Sizes in pixels. A character's width is that of a usual sans-serif at this size, a little generously. */
const CHARACTER = 7.6;
const LINE = 18;
const PADDING = 12;
const GAP = 22;
/** Between a fork's head and its ways, where their labels stand. */
const BUS = 18;
const LABELLED = 40;
const MARGIN = 20;
/** Characters in a line, and lines of each text in a box. */
const LINE_MAX = 32;
const LINES_MAX = 3;
const LABEL_MAX = 34;

const FILLS: Readonly<Record<Shape, string>> = {
  work: '#eef4ff',
  command: '#eeeeee',
  question: '#fff6d6',
  choice: '#f3ecff',
  vote: '#e8f7ec',
  point: '#ffffff',
  end: '#ffffff',
};

/** A drawn part: its reach to both sides of the line that comes in at the top and leaves at the bottom. */
interface Block {
  readonly left: number;
  readonly right: number;
  readonly height: number;
  /** What the line that leaves it says. */
  readonly label: string;
  /** Whether it draws the tip of the line that comes in itself. */
  readonly tipped: boolean;
  readonly draw: (x: number, y: number) => string[];
}

/** A workflow as an SVG picture that needs nothing else. Lines lead down; those that go back run on the right. */
export function svg(picture: Picture, title: string): string {
  const whole = column([
    box({ type: 'box', shape: 'end', text: ['request'] }),
    block(picture),
    box({ type: 'box', shape: 'end', text: ['done'] }),
  ]);
  const width = Math.ceil(whole.left + whole.right + 2 * MARGIN);
  const height = Math.ceil(whole.height + 2 * MARGIN);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#444"/></marker></defs>',
    `<rect class="page" width="${width}" height="${height}" fill="#fff"/>`,
    ...whole.draw(whole.left + MARGIN, MARGIN),
    '</svg>',
    '',
  ].join('\n');
}

function block(picture: Picture): Block {
  switch (picture.type) {
    case 'box':
      return box(picture);
    case 'column':
      return column(picture.parts.map(block));
    case 'fork':
      return fork(picture);
    case 'cycle':
      return cycle(picture);
    default:
      return picture satisfies never;
  }
}

function box({ shape, text }: Box): Block {
  const rows = text.flatMap((each) => wrapped(each));
  const width = Math.max(24, ...rows.map((row) => widthOf(row))) + 2 * PADDING;
  const height = rows.length === 0 ? 16 : rows.length * LINE + PADDING;
  const half = rows.length === 0 ? 8 : width / 2;
  return {
    left: half,
    right: half,
    height,
    label: '',
    tipped: false,
    draw: (x, y) => [
      outline(shape, x - half, y, 2 * half, height),
      ...rows.map(
        (row, i) =>
          `<text x="${n(x)}" y="${n(y + PADDING / 2 + LINE * i + 13)}" text-anchor="middle"${i === 0 ? ' font-weight="600"' : ''}>${escaped(row)}</text>`,
      ),
    ],
  };
}

function outline(shape: Shape, x: number, y: number, width: number, height: number): string {
  const round =
    shape === 'end' || shape === 'point' ? height / 2 : shape === 'choice' || shape === 'vote' ? 12 : 3;
  const dashes = shape === 'question' ? ' stroke-dasharray="5 3"' : '';
  return `<rect class="box" x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${n(round)}" fill="${FILLS[shape]}" stroke="#444"${dashes}/>`;
}

function column(parts: readonly Block[]): Block {
  const gaps = parts.map(({ label }, i) => (i === parts.length - 1 ? 0 : label === '' ? GAP : LABELLED));
  const height = parts.reduce((sum, part, i) => sum + part.height + (gaps[i] ?? 0), 0);
  return {
    left: Math.max(0, ...parts.map(({ left }) => left)),
    right: Math.max(0, ...parts.map(({ right, label }) => Math.max(right, labelWidth(label)))),
    height,
    label: parts.at(-1)?.label ?? '',
    tipped: parts[0]?.tipped ?? false,
    draw: (x, y) => {
      const drawn: string[] = [];
      let at = y;
      for (const [i, part] of parts.entries()) {
        drawn.push(...part.draw(x, at));
        at += part.height;
        const gap = gaps[i] ?? 0;
        if (gap > 0)
          drawn.push(
            line([x, at, x, at + gap], parts[i + 1]?.tipped === false),
            ...label(part.label, x, at + 16),
          );
        at += gap;
      }
      return drawn;
    },
  };
}

/** The head, its ways side by side beneath, and the foot where they meet. */
function fork({ head, ways, foot }: Extract<Picture, { type: 'fork' }>): Block {
  const top = box(head);
  const bottom = box(foot);
  const parts = ways.map(({ label, part }) => {
    const inner = part === null ? null : block(part);
    return {
      label,
      inner,
      left: inner?.left ?? 12,
      right: Math.max(inner?.right ?? 12, labelWidth(label), labelWidth(inner?.label ?? '')),
      height: inner?.height ?? 0,
    };
  });
  const drop = parts.some(({ label }) => label !== '') ? LABELLED : GAP;
  const lift = parts.some(({ inner }) => (inner?.label ?? '') !== '') ? LABELLED : GAP;
  const tallest = Math.max(0, ...parts.map(({ height }) => height));
  const total =
    parts.reduce((sum, { left, right }) => sum + left + right, 0) + GAP * Math.max(0, parts.length - 1);
  // A single way goes straight down.
  const left = parts.length === 1 ? (parts[0]?.left ?? 0) : total / 2;
  return {
    left: Math.max(left, top.left, bottom.left),
    right: Math.max(total - left, top.right, bottom.right),
    height: top.height + BUS + drop + tallest + lift + BUS + bottom.height,
    label: '',
    tipped: false,
    draw: (x, y) => {
      const bus = y + top.height + BUS;
      const begin = bus + drop;
      const meet = begin + tallest + lift;
      const drawn = [
        ...top.draw(x, y),
        ...bottom.draw(x, meet + BUS),
        line([x, y + top.height, x, bus], false),
      ];
      let from = x - left;
      for (const part of parts) {
        const axis = from + part.left;
        from = axis + part.right + GAP;
        drawn.push(...label(part.label, axis, bus + 16));
        if (part.inner === null) {
          drawn.push(line([x, bus, axis, bus, axis, meet, x, meet], false));
          continue;
        }
        const end = begin + part.height;
        drawn.push(
          line([x, bus, axis, bus, axis, begin], !part.inner.tipped),
          ...part.inner.draw(axis, begin),
          line([axis, end, axis, meet, x, meet], false),
          ...label(part.inner.label, axis, end + 16),
        );
      }
      return [...drawn, line([x, meet, x, meet + BUS], true)];
    },
  };
}

/** The body, the check beneath it, and on the right the way back, through the repair if there is one. */
function cycle(picture: Extract<Picture, { type: 'cycle' }>): Block {
  const check = box(picture.check);
  const upper = picture.body === null ? check : column([block(picture.body), check]);
  const repair = picture.repair === null ? null : block(picture.repair);
  // Room for the arrow that comes back in above.
  const entry = BUS;
  const said = labelWidth(picture.again);
  const axis = Math.max(check.right + GAP + (repair?.left ?? 0), check.right + 8);
  const aside = repair === null ? axis + said : axis + Math.max(repair.right, said, labelWidth(repair.label));
  const lane = Math.max(upper.right, aside) + GAP;
  const middle = entry + upper.height - check.height / 2;
  const begin = entry + upper.height + LABELLED - GAP;
  const end = begin + (repair?.height ?? 0);
  const out = (repair?.label ?? '') === '' ? GAP : LABELLED;
  const height = repair === null ? entry + upper.height : end + out;
  return {
    left: upper.left,
    right: lane + 4,
    height,
    label: picture.done,
    tipped: true,
    draw: (x, y) => {
      const back = [x + lane, y + BUS / 2, x, y + BUS / 2];
      const inward = line([x, y, x, y + entry], true);
      const onward = line([x, y + entry + upper.height, x, y + height], false);
      const drawn = [inward, ...upper.draw(x, y + entry)];
      if (repair === null)
        return [
          ...drawn,
          ...label(picture.again, x + check.right, y + middle - 6),
          line([x + check.right, y + middle, x + lane, y + middle, ...back], true, true),
        ];
      return [
        ...drawn,
        onward,
        line([x + check.right, y + middle, x + axis, y + middle, x + axis, y + begin], !repair.tipped),
        ...label(picture.again, x + axis, y + middle + 16),
        ...repair.draw(x + axis, y + begin),
        line(
          [x + axis, y + end, x + axis, y + end + out / 2, x + lane, y + end + out / 2, ...back],
          true,
          true,
        ),
        ...label(repair.label, x + axis, y + end + 14),
      ];
    },
  };
}

function line(points: readonly number[], tip: boolean, back = false): string {
  const path = points.map(n).join(' ');
  const end = tip ? ' marker-end="url(#tip)"' : '';
  return `<polyline points="${path}" fill="none" stroke="#444"${back ? ' stroke-dasharray="4 3"' : ''}${end}/>`;
}

function label(text: string, x: number, y: number): string[] {
  if (text === '') return [];
  return [
    `<text x="${n(x + 6)}" y="${n(y)}" fill="#555" font-size="12">${escaped(shortened(text, LABEL_MAX))}</text>`,
  ];
}

function labelWidth(text: string): number {
  return text === '' ? 0 : widthOf(shortened(text, LABEL_MAX)) + 10;
}

/** Ideographs and pictures take twice the room. */
function widthOf(text: string): number {
  return (
    Array.from(text).reduce((sum, sign) => sum + ((sign.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1), 0) *
    CHARACTER
  );
}

/** A text in lines, words kept whole where they fit, what does not fit in the last line cut off. */
function wrapped(text: string): string[] {
  const rows: string[] = [];
  let rest = shortened(text, LINE_MAX * LINES_MAX);
  while (rest !== '' && rows.length < LINES_MAX - 1) {
    const signs = Array.from(rest);
    if (signs.length <= LINE_MAX) break;
    const space = signs.slice(0, LINE_MAX + 1).lastIndexOf(' ');
    const end = space > 0 ? space : LINE_MAX;
    rows.push(signs.slice(0, end).join(''));
    rest = signs.slice(end).join('').trim();
  }
  return rest === '' ? rows : [...rows, shortened(rest, LINE_MAX)];
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text that is nothing but text, without the signs that XML does not allow. */
function escaped(text: string): string {
  return text
    .replace(/[\p{C}\s]+/gu, ' ')
    .replace(/[\ufffe\uffff]/g, '')
    .replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? '');
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}
