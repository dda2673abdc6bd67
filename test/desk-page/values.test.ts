import { describe, expect, it } from 'vitest';
import { checkInputs } from '../../desk/page/blocks/check.ts';
import { chosenKeys, entryOfOffers, offersOf } from '../../desk/page/blocks/offers.ts';
import { type Element, elementSchema } from '../../desk/page/blocks/schema.ts';
import {
  actionOf,
  type Entry,
  entryKey,
  initialEntry,
  localDateTime,
  slackValue,
  stateOf,
} from '../../desk/page/blocks/values.ts';
import { readyState } from './samples.ts';

const plainText = (text: string) => ({ type: 'plain_text', text });
const option = (name: string) => ({ text: { type: 'plain_text' as const, text: name }, value: name });
const [one, two] = [option('one'), option('two')];
const text = (value: string): Entry => ({ kind: 'text', text: value });
const options = (...chosen: ReturnType<typeof option>[]): Entry => ({ kind: 'options', options: chosen });
const ids = (...chosen: string[]): Entry => ({ kind: 'ids', ids: chosen });

function element(body: Record<string, unknown>): Element {
  return elementSchema.parse({ action_id: 'a', ...body });
}

/** Per element: what its initial fields are, how that reads in state.values, an entry, and how that reads. */
const CASES: readonly {
  readonly body: Record<string, unknown>;
  readonly empty: Record<string, unknown>;
  readonly initial: Record<string, unknown>;
  readonly initially: Record<string, unknown>;
  readonly entry: Entry;
  readonly value: Record<string, unknown>;
}[] = [
  ...['plain_text_input', 'email_text_input', 'url_text_input', 'number_input'].map((type) => ({
    body: { type },
    empty: { value: null },
    initial: { initial_value: 'x' },
    initially: { value: 'x' },
    entry: text('7'),
    value: { value: '7' },
  })),
  {
    body: { type: 'datepicker' },
    empty: { selected_date: null },
    initial: { initial_date: '2026-01-02' },
    initially: { selected_date: '2026-01-02' },
    entry: text('2026-03-04'),
    value: { selected_date: '2026-03-04' },
  },
  {
    body: { type: 'timepicker', timezone: 'Europe/Berlin' },
    empty: { selected_time: null, timezone: 'Europe/Berlin' },
    initial: { initial_time: '09:30' },
    initially: { selected_time: '09:30', timezone: 'Europe/Berlin' },
    entry: text('17:00'),
    value: { selected_time: '17:00', timezone: 'Europe/Berlin' },
  },
  {
    body: { type: 'datetimepicker' },
    empty: { selected_date_time: null },
    initial: { initial_date_time: 1_767_225_600 },
    initially: { selected_date_time: 1_767_225_600 },
    entry: text(localDateTime(1_767_312_060)),
    value: { selected_date_time: 1_767_312_060 },
  },
  ...['static_select', 'external_select', 'radio_buttons'].map((type) => ({
    body: { type, options: [one, two] },
    empty: { selected_option: null },
    initial: { initial_option: one },
    initially: { selected_option: one },
    entry: options(two),
    value: { selected_option: two },
  })),
  ...['multi_static_select', 'multi_external_select', 'checkboxes'].map((type) => ({
    body: { type, options: [one, two] },
    empty: { selected_options: [] },
    initial: { initial_options: [one] },
    initially: { selected_options: [one] },
    entry: options(one, two),
    value: { selected_options: [one, two] },
  })),
  ...['user', 'conversation', 'channel'].flatMap((kind) => [
    {
      body: { type: `${kind}s_select` },
      empty: { [`selected_${kind}`]: null },
      initial: { [`initial_${kind}`]: 'X1' },
      initially: { [`selected_${kind}`]: 'X1' },
      entry: ids('X2'),
      value: { [`selected_${kind}`]: 'X2' },
    },
    {
      body: { type: `multi_${kind}s_select` },
      empty: { [`selected_${kind}s`]: [] },
      initial: { [`initial_${kind}s`]: ['X1'] },
      initially: { [`selected_${kind}s`]: ['X1'] },
      entry: ids('X1', 'X2'),
      value: { [`selected_${kind}s`]: ['X1', 'X2'] },
    },
  ]),
];

describe('the shape of state.values', () => {
  it.each(CASES)('$body.type', ({ body, empty, initial, initially, entry, value }) => {
    const type = body['type'];
    const untouched = element(body);
    expect(slackValue(untouched, initialEntry(untouched))).toEqual({ type, ...empty });
    const prefilled = element({ ...body, ...initial });
    expect(slackValue(prefilled, initialEntry(prefilled))).toEqual({ type, ...initially });
    expect(slackValue(prefilled, entry)).toEqual({ type, ...value });
  });

  it('rich_text_input writes a paragraph and reads its own', () => {
    const rich = element({ type: 'rich_text_input' });
    expect(slackValue(rich, initialEntry(rich))).toEqual({ type: 'rich_text_input' });
    const value = slackValue(rich, text('two\nlines'));
    expect(value).toEqual({
      type: 'rich_text_input',
      rich_text_value: {
        type: 'rich_text',
        elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: 'two\nlines' }] }],
      },
    });
    const again = element({ type: 'rich_text_input', initial_value: value?.['rich_text_value'] });
    expect(initialEntry(again)).toEqual(text('two\nlines'));
  });

  it('buttons and menus of actions keep no state', () => {
    for (const type of ['button', 'overflow', 'hologram']) {
      expect(slackValue(element({ type }), { kind: 'none' })).toBeNull();
    }
  });

  it('gathers inputs, accessories and actions by block and action', () => {
    const blocks = [
      {
        type: 'input',
        block_id: 'b1',
        label: plainText('L'),
        element: { type: 'plain_text_input', action_id: 'v' },
      },
      {
        type: 'section',
        block_id: 'b2',
        text: plainText('S'),
        accessory: { type: 'users_select', action_id: 'u' },
      },
      {
        type: 'actions',
        block_id: 'b3',
        elements: [
          { type: 'button', action_id: 'go', text: plainText('Go') },
          { type: 'checkboxes', action_id: 'c', options: [one], initial_options: [one] },
        ],
      },
      { type: 'hologram', block_id: 'b4' },
    ];
    expect(stateOf(blocks, { [entryKey('b1', 'v')]: text('typed') })).toEqual({
      values: {
        b1: { v: { type: 'plain_text_input', value: 'typed' } },
        b2: { u: { type: 'users_select', selected_user: null } },
        b3: { c: { type: 'checkboxes', selected_options: [one] } },
      },
    });
  });

  it('an action names itself, its block and its value', () => {
    const button = element({ type: 'button', action_id: 'approve', value: 'r1' });
    expect(actionOf({ blockId: 'b', element: button }, { value: 'r1' })).toEqual({
      type: 'button',
      action_id: 'approve',
      block_id: 'b',
      value: 'r1',
    });
  });
});

describe('what can be chosen', () => {
  const { workspace } = readyState();

  it('people and channels come from the workspace', () => {
    const labels = (type: string) =>
      offersOf(element({ type }), workspace, 'U2').flatMap((group) =>
        group.offers.map((offer) => offer.label),
      );
    expect(labels('users_select')).toEqual(['alice', 'bob', 'Baton']);
    expect(labels('channels_select')).toEqual(['#random', '#general']);
    expect(labels('multi_conversations_select')).toEqual(['#random', '#general', 'Baton']);
  });

  it('options keep their groups and come back whole', () => {
    const grouped = element({
      type: 'static_select',
      option_groups: [
        { label: plainText('First'), options: [one] },
        { label: plainText('Second'), options: [two] },
      ],
    });
    const groups = offersOf(grouped, workspace, 'U1');
    expect(groups.map((group) => group.label)).toEqual(['First', 'Second']);
    const chosen = entryOfOffers(groups.flatMap((group) => group.offers).slice(1), 'options');
    expect(chosen).toEqual(options(two));
    expect(chosenKeys(chosen)).toEqual(['two']);
  });
});

describe('what Slack refuses before the app sees it', () => {
  const check = (body: Record<string, unknown>, entry: Entry, more: Record<string, unknown> = {}) =>
    checkInputs(
      [
        {
          type: 'input',
          block_id: 'b',
          label: plainText('L'),
          element: { action_id: 'a', ...body },
          ...more,
        },
      ],
      {
        [entryKey('b', 'a')]: entry,
      },
    )['b'] ?? null;

  it.each([
    ['an empty field', { type: 'plain_text_input' }, text(' ')],
    ['no choice', { type: 'radio_buttons', options: [one] }, options()],
    ['nobody', { type: 'users_select' }, ids()],
    ['too short', { type: 'plain_text_input', min_length: 3 }, text('ab')],
    ['too long', { type: 'plain_text_input', max_length: 1 }, text('ab')],
    ['no address', { type: 'email_text_input' }, text('alice')],
    ['no URL', { type: 'url_text_input' }, text('example')],
    ['no number', { type: 'number_input' }, text('ten')],
    ['a fraction', { type: 'number_input' }, text('1.5')],
    ['too little', { type: 'number_input', min_value: '2' }, text('1')],
    ['too much', { type: 'number_input', max_value: '2' }, text('3')],
    ['too many', { type: 'checkboxes', options: [one, two], max_selected_items: 1 }, options(one, two)],
  ])('%s', (_name, body, entry) => {
    expect(check(body, entry)).toMatch(/\w+/);
  });

  it.each([
    ['a decimal where allowed', { type: 'number_input', is_decimal_allowed: true }, text('1.5')],
    ['an address', { type: 'email_text_input' }, text('alice@example.com')],
    ['a choice', { type: 'static_select', options: [one] }, options(one)],
  ])('but not %s', (_name, body, entry) => {
    expect(check(body, entry)).toBeNull();
  });

  it('an optional field may stay empty', () => {
    expect(check({ type: 'plain_text_input' }, text(''), { optional: true })).toBeNull();
  });
});
