import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/domain/json.ts';
import {
  actions,
  button,
  header,
  input,
  lines,
  plain,
  section,
  select,
  textInput,
} from '../../src/slack/blocks.ts';
import {
  BLOCKS_BUDGET,
  blocksSize,
  degrade,
  sendable,
  TEXT_BUDGET,
  validateMessage,
  validateView,
} from '../../src/slack/validate.ts';

const x = (n: number) => 'x'.repeat(n);
const pt = (text: string) => ({ type: 'plain_text', text });
const ok = button('a', 'Yes', 'v');
const options = (n: number) => Array.from({ length: n }, (_, i) => ({ text: pt(`o${i}`), value: `v${i}` }));
const problems = (...blocks: Json[]) => validateMessage({ text: 'x', blocks });
const rich = (...elements: Json[]) => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_section', elements }],
});

describe('what Slack takes passes', () => {
  test.each<[string, Json]>([
    ['a section at its limit', { type: 'section', text: pt(x(3_000)) }],
    ['fields', { type: 'section', fields: Array.from({ length: 10 }, () => pt(x(100))) }],
    ['a header at its limit', header(x(150))],
    ['twenty-five buttons', actions(...Array.from({ length: 25 }, (_, i) => button(`a${i}`, 'b', 'v')))],
    [
      'a select of a hundred',
      { type: 'actions', elements: [{ type: 'static_select', action_id: 's', options: options(100) }] },
    ],
    [
      'an overflow of five',
      { type: 'actions', elements: [{ type: 'overflow', action_id: 'o', options: options(5) }] },
    ],
    ['a context of ten', { type: 'context', elements: Array.from({ length: 10 }, () => pt('x')) }],
    ['rich text', rich({ type: 'text', text: 'a', style: { bold: true } }, { type: 'user', user_id: 'U1' })],
    ['a divider', { type: 'divider' }],
  ])('%s', (_, block) => expect(problems(block)).toEqual([]));
});

describe('what Slack refuses is named by its path', () => {
  test.each<[string, Json, string]>([
    ['a section too long', { type: 'section', text: pt(x(3_001)) }, 'blocks.0.text.text'],
    ['an empty section', { type: 'section', text: pt('') }, 'blocks.0.text.text'],
    ['a section of nothing', { type: 'section' }, 'blocks.0'],
    ['a field too long', { type: 'section', fields: [pt(x(2_001))] }, 'blocks.0.fields.0.text'],
    [
      'eleven fields',
      { type: 'section', fields: Array.from({ length: 11 }, () => pt('x')) },
      'blocks.0.fields',
    ],
    ['a header of markup', { type: 'header', text: { type: 'mrkdwn', text: 'x' } }, 'blocks.0.text.type'],
    ['a header too long', { type: 'header', text: pt(x(151)) }, 'blocks.0.text.text'],
    [
      'eleven in a context',
      { type: 'context', elements: Array.from({ length: 11 }, () => pt('x')) },
      'blocks.0.elements',
    ],
    [
      'twenty-six buttons',
      actions(...Array.from({ length: 26 }, (_, i) => button(`a${i}`, 'b', 'v'))),
      'blocks.0.elements',
    ],
    ['no buttons', { type: 'actions', elements: [] }, 'blocks.0.elements'],
    ['a button twice', actions(ok, ok), 'blocks.0.elements'],
    ['a button text too long', actions({ ...ok, text: pt(x(76)) }), 'blocks.0.elements.0.text.text'],
    ['a value too long', actions({ ...ok, value: x(2_001) }), 'blocks.0.elements.0.value'],
    ['an action_id too long', actions({ ...ok, action_id: x(256) }), 'blocks.0.elements.0.action_id'],
    ['a style Slack has not', actions({ ...ok, style: 'blue' }), 'blocks.0.elements.0.style'],
    ['a script as a link', actions({ ...ok, url: 'javascript:alert(1)' }), 'blocks.0.elements.0.url'],
    ['a key nobody knows', { ...header('x'), colour: 'red' }, 'blocks.0'],
    [
      '101 options',
      { type: 'actions', elements: [{ type: 'static_select', action_id: 's', options: options(101) }] },
      'blocks.0.elements.0.options',
    ],
    [
      'six in an overflow',
      { type: 'actions', elements: [{ type: 'overflow', action_id: 'o', options: options(6) }] },
      'blocks.0.elements.0.options',
    ],
    [
      'eleven radio buttons',
      { type: 'actions', elements: [{ type: 'radio_buttons', action_id: 'r', options: options(11) }] },
      'blocks.0.elements.0.options',
    ],
    [
      'an option too long',
      {
        type: 'actions',
        elements: [{ type: 'overflow', action_id: 'o', options: [{ text: pt(x(76)), value: 'v' }] }],
      },
      'blocks.0.elements.0.options.0.text.text',
    ],
    [
      'equal option values',
      {
        type: 'actions',
        elements: [{ type: 'overflow', action_id: 'o', options: [...options(1), ...options(1)] }],
      },
      'blocks.0.elements.0.options',
    ],
    [
      'an initial option that is none',
      {
        type: 'actions',
        elements: [
          {
            type: 'static_select',
            action_id: 's',
            options: options(2),
            initial_option: { text: pt('z'), value: 'z' },
          },
        ],
      },
      'blocks.0.elements.0.initial_option',
    ],
    ['a call to everybody', section('<!channel> look'), 'blocks.0.text.text'],
    [
      'a broadcast in rich text',
      rich({ type: 'broadcast', range: 'channel' }),
      'blocks.0.elements.0.elements.0.type',
    ],
    [
      'a mention of no person',
      rich({ type: 'user', user_id: 'S123' }),
      'blocks.0.elements.0.elements.0.user_id',
    ],
    ['empty rich text', rich(), 'blocks.0.elements.0.elements'],
    ['empty text in rich text', rich({ type: 'text', text: '' }), 'blocks.0.elements.0.elements.0.text'],
    [
      'an input in a message',
      input(textInput({ actionId: 'a', multiline: false, max: 5 }), {
        blockId: 'b',
        label: 'l',
        optional: true,
      }),
      'blocks.0.type',
    ],
    ['an unknown block', { type: 'banner' }, 'blocks.0.type'],
    ['no block at all', 'text', 'blocks.0'],
  ])('%s', (_, block, path) => expect(problems(block).map((problem) => problem.path)).toContain(path));

  test('51 blocks, and the same block_id twice', () => {
    expect(problems(...Array.from({ length: 51 }, () => ({ type: 'divider' })))).toMatchObject([
      { path: 'blocks' },
    ]);
    expect(problems({ type: 'divider', block_id: 'a' }, { type: 'divider', block_id: 'a' })).toMatchObject([
      { path: 'blocks' },
    ]);
  });

  test('text that is empty, too long, or calls everybody', () => {
    const paths = (text: string) => validateMessage({ text, blocks: [] }).map(({ path }) => path);
    expect(paths(' ')).toEqual(['text']);
    expect(paths(x(TEXT_BUDGET + 1))).toEqual(['text']);
    expect(paths('<!everyone>')).toEqual(['text']);
    expect(paths(x(TEXT_BUDGET))).toEqual([]);
  });

  test('blocks that are fine one by one and too large together', () => {
    const blocks = Array.from({ length: 4 }, () => section(x(2_500)));
    expect(blocksSize(blocks)).toBeGreaterThan(BLOCKS_BUDGET);
    expect(validateMessage({ text: 'x', blocks }).map(({ path }) => path)).toEqual(['blocks']);
  });
});

describe('views', () => {
  const blocks = [
    input(textInput({ actionId: 'a', multiline: false, max: 5 }), {
      blockId: 'b',
      label: 'l',
      optional: true,
    }),
  ];
  const view = { type: 'modal', title: plain('t', 24), submit: plain('s', 24), blocks };
  const paths = (more: Record<string, Json>) => validateView({ ...view, ...more }).map(({ path }) => path);

  test('a modal passes; its limits are named', () => {
    expect(paths({})).toEqual([]);
    expect(paths({ title: pt(x(25)) })).toEqual(['view.title.text']);
    expect(paths({ private_metadata: x(3_001) })).toEqual(['view.private_metadata']);
    expect(paths({ callback_id: x(256) })).toEqual(['view.callback_id']);
    expect(paths({ blocks: [] })).toEqual(['view.blocks']);
    expect(validateView({ type: 'modal', title: plain('t', 24), blocks }).map(({ path }) => path)).toEqual([
      'view.submit',
    ]);
    expect(paths({ blocks: Array.from({ length: 101 }, () => ({ type: 'divider' })) })).toEqual([
      'view.blocks',
    ]);
  });

  test('an initial value longer than what may be typed', () => {
    const element = { type: 'plain_text_input', action_id: 'a', max_length: 2, initial_value: 'abc' };
    expect(paths({ blocks: [input(element, { blockId: 'b', label: 'l', optional: true })] })).toEqual([
      'view.blocks.0.element.initial_value',
    ]);
  });

  test('a select keeps to a hundred options by itself', () => {
    const many = Array.from({ length: 120 }, (_, i) => ({ value: `v${i}`, text: `o${i}` }));
    const element = select({ actionId: 'a', placeholder: 'p', options: many, chosen: 'v3' });
    expect(paths({ blocks: [input(element, { blockId: 'b', label: 'l', optional: true })] })).toEqual([]);
  });
});

describe('degrading', () => {
  const row = actions(ok);

  test('keeps the buttons of an approval beside its text', () => {
    const result = degrade({ text: 'Approve this?', blocks: [{ type: 'banner' }, row] });
    expect(result).toEqual({
      text: 'Approve this?',
      blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'Approve this?', verbatim: true } }, row],
    });
    expect(validateMessage(result)).toEqual([]);
  });

  test('drops buttons that are themselves wrong, and leaves plain text', () => {
    expect(degrade({ text: 'hello', blocks: [actions({ ...ok, value: x(2_001) })] })).toEqual({
      text: 'hello',
      blocks: [],
    });
  });

  test.each<[string, string, Json[]]>([
    ['too much text', x(50_000), [row]],
    ['no text', '', [row]],
    ['a call to everybody', '<!channel> <!here>', [row]],
    ['too many blocks', 'x', Array.from({ length: 80 }, () => row)],
    ['too large together', 'x', Array.from({ length: 10 }, () => section(x(2_000)))],
  ])('%s comes out sendable', (_, text, blocks) => {
    const { content, problems: found } = sendable({ text, blocks });
    expect(found).not.toEqual([]);
    expect(validateMessage(content)).toEqual([]);
  });

  test('a message without problems is left as it is', () => {
    const content = { text: 'x', blocks: [lines(['hello']), row] };
    expect(sendable(content)).toEqual({ content, problems: [] });
  });
});
