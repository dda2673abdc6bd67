import type { ReactNode } from 'react';
import { keyed } from '../text/keyed.ts';

/**
 * The signs that tell states apart, drawn here: a machine without an emoji font would show empty boxes for just
 * those characters a run's progress hangs on. Other emoji are left to the machine.
 */
const SIGNS: Readonly<Record<string, ReactNode>> = {
  '✅': tile('#2b9a5b', <path d="m4.5 8.3 2.4 2.4 4.6-5" {...stroke('#fff')} />),
  '☑': tile('#4a7fb5', <path d="m4.5 8.3 2.4 2.4 4.6-5" {...stroke('#fff')} />),
  '❌': <path d="m4 4 8 8m0-8-8 8" {...stroke('#d04437', 2.4)} />,
  '⏳': hourglass(),
  '⌛': hourglass(),
  '🚨': (
    <>
      <path d="M4 11V8.5a4 4 0 0 1 8 0V11z" fill="#d8392b" />
      <path d="M3 11.6h10v2H3zM8 1v1.8M2.6 3.2l1.2 1.2m9.6-1.2-1.2 1.2" {...stroke('#d8392b', 1.2)} />
    </>
  ),
  '⚠': (
    <>
      <path d="M8 2 14.5 13.5h-13z" fill="#f0b429" stroke="#f0b429" strokeLinejoin="round" />
      <path d="M8 6.2v3.4m0 1.9v.1" {...stroke('#4a3500', 1.5)} />
    </>
  ),
  '▫': <rect x="5" y="5" width="6" height="6" rx="1" fill="none" stroke="#8b9793" strokeWidth="1.4" />,
  '▪': <rect x="5" y="5" width="6" height="6" rx="1" fill="#6b7773" />,
  '⏸': tile('#5f7c8a', <path d="M6.2 5v6m3.6-6v6" {...stroke('#fff')} />),
  '⏹': tile('#5f7c8a', <rect x="5.4" y="5.4" width="5.2" height="5.2" fill="#fff" />),
  '⏭': tile('#5f7c8a', <path d="M4.5 5v6L8 8zM8 5v6l3.2-3zm3.4 0h.8v6h-.8z" fill="#fff" />),
  '🔁': (
    <path
      d="M3 7.5A3.5 3.5 0 0 1 6.5 4H12l-2-2m3 6.5A3.5 3.5 0 0 1 9.5 12H4l2 2"
      {...stroke('#3f7fb8', 1.6)}
    />
  ),
  '↩': <path d="M6 3 3 6l3 3M3.5 6H10a3 3 0 0 1 0 6H7" {...stroke('#3f7fb8', 1.6)} />,
  '⛔': (
    <>
      <circle cx="8" cy="8" r="6" fill="#d04437" />
      <path d="M5 8h6" {...stroke('#fff')} />
    </>
  ),
  '🔒': (
    <>
      <path d="M5.5 7.5V5.5a2.5 2.5 0 0 1 5 0v2" {...stroke('#8b9793', 1.5)} />
      <rect x="4" y="7.2" width="8" height="6" rx="1.3" fill="#b98a2c" />
    </>
  ),
  '💬': (
    <path
      d="M3 3.5h10a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1H7.5L4.5 13v-2.5H3a1 1 0 0 1-1-1v-5a1 1 0 0 1 1-1z"
      fill="#7d9aa8"
    />
  ),
  '👍': thumb(undefined),
  '👎': thumb('rotate(180 8 8)'),
  '🟢': <circle cx="8" cy="8" r="5" fill="#2b9a5b" />,
  '🟡': <circle cx="8" cy="8" r="5" fill="#e0ac1f" />,
  '🔴': <circle cx="8" cy="8" r="5" fill="#d04437" />,
  '🔵': <circle cx="8" cy="8" r="5" fill="#3f7fb8" />,
  '⚪': <circle cx="8" cy="8" r="4.5" fill="none" stroke="#8b9793" strokeWidth="1.4" />,
};

const PATTERN = new RegExp(`(${Object.keys(SIGNS).join('|')})\\uFE0F?`, 'u');

/** The text in pieces, each sign that is drawn here a piece of its own. */
export function splitSigns(text: string): { readonly text: string; readonly sign: boolean }[] {
  return text
    .split(PATTERN)
    .filter((piece) => piece !== '')
    .map((piece) => ({ text: piece, sign: SIGNS[piece] !== undefined }));
}

/** Text with the state signs drawn. The characters stay in the text, for copying and for screen readers. */
export function Glyphs({ text }: { readonly text: string }): ReactNode {
  const parts = text.split(PATTERN);
  if (parts.length === 1) return text;
  return keyed(parts).map(({ key, item }) => {
    const sign = SIGNS[item];
    if (sign === undefined) return item;
    return (
      <span key={key} className="glyph">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          {sign}
        </svg>
        <span className="glyph-char">{item}</span>
      </span>
    );
  });
}

function stroke(colour: string, width = 1.8) {
  return {
    fill: 'none',
    stroke: colour,
    strokeWidth: width,
    strokeLinecap: 'round',
    strokeLinejoin: 'round',
  } as const;
}

function tile(colour: string, inside: ReactNode) {
  return (
    <>
      <rect x="1.5" y="1.5" width="13" height="13" rx="3" fill={colour} />
      {inside}
    </>
  );
}

function hourglass() {
  return (
    <>
      <path d="M4.5 2.5h7v2L9 8l2.5 3.5v2h-7v-2L7 8 4.5 4.5z" {...stroke('#b8791c', 1.3)} />
      <path d="M6 5h4L8 7.6zM5.3 12.8 8 10l2.7 2.8z" fill="#e0a030" />
    </>
  );
}

function thumb(transform: string | undefined) {
  return (
    <g transform={transform}>
      <path
        d="M2 7.5h2.5v6H2zM5.5 7.5 8 2.5c1.2 0 1.8 1 1.5 2.2L9 6.5h3.5c1 0 1.6.9 1.4 1.8l-1 4c-.2.7-.8 1.2-1.5 1.2H5.5z"
        fill="#e0ac3a"
      />
    </g>
  );
}
