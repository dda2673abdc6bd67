import type {
  ActionsBlock,
  Button,
  Checkboxes,
  ContextBlock,
  HeaderBlock,
  InputBlock,
  PlainTextElement,
  PlainTextInput,
  RichTextBlock,
  RichTextPreformatted,
  SectionBlock,
  StaticSelect,
} from '@slack/types';
import type { Json } from '../domain/json.ts';
import {
  cut,
  cutLines,
  cutMarkup,
  type DateShape,
  dateParts,
  isGroupId,
  isUserId,
  short,
  visible,
} from './text.ts';

/**
 * The blocks Baton writes. Foreign text goes only into `rich_text` and `plain_text`, where nothing comes alive;
 * markup (`mrkdwn`) is for lines made with `mk`. `verbatim` keeps Slack from linking names and addresses in it.
 */

/** A block or an element: an object that JSON can carry. */
export type Part = { [key: string]: Json };

/** A modal or App Home. */
export type View = Part;

/** A piece of a line: text that stays text, or one of the pieces made below. */
export type Piece = string | Part;

/** Longest piece of foreign text in a line, unless the builder cuts shorter. */
const PIECE_MAX = 600;

/** Stands where there is nothing to show: Slack refuses empty text. */
const NOTHING = '—';

function piece(value: Piece): Part {
  return typeof value === 'string' ? { type: 'text', text: cut(visible(value), PIECE_MAX) } : value;
}

function styled(text: string, style: 'bold' | 'italic' | 'code'): Part {
  return { type: 'text', text: cut(visible(text.replace(/\s+/g, ' ')), PIECE_MAX), style: { [style]: true } };
}

export const bold = (text: string): Part => styled(text, 'bold');
export const italic = (text: string): Part => styled(text, 'italic');
export const code = (text: string): Part => styled(text, 'code');

/** A living mention in rich text; plain text when the id has not the shape of one. */
export function person(id: string): Part {
  return isUserId(id) ? { type: 'user', user_id: id } : { type: 'text', text: short(id, 80) };
}

/** A link to a place that Baton itself knows; plain text where it is none of the web. */
export function link(text: string, url: string): Part {
  const shown = short(text, 200);
  return /^https?:\/\//.test(url) ? { type: 'link', url, text: shown } : { type: 'text', text: shown };
}

/** People as "@a, @b or @c". */
export function people(ids: readonly string[], word: 'and' | 'or'): Part[] {
  return ids.flatMap((id, i) => {
    const separator = i === 0 ? [] : [{ type: 'text', text: i === ids.length - 1 ? ` ${word} ` : ', ' }];
    return [...separator, person(id)];
  });
}

/** A user group. It calls all its members: for those only whom a question is put to. */
export function group(id: string): Part {
  return isGroupId(id) ? { type: 'usergroup', usergroup_id: id } : { type: 'text', text: short(id, 80) };
}

/** A time that each reader sees in their own time zone. */
export function when(at: number, shape: DateShape = 'time'): Part {
  return { type: 'date', ...dateParts(at, shape) };
}

/** One `rich_text` block of lines; empty pieces and empty lines are left out. */
export function lines(...rows: readonly (readonly Piece[])[]): Part {
  const full = rows
    .map((row) => row.map(piece).filter(({ type, text }) => type !== 'text' || text !== ''))
    .filter((row) => row.length > 0);
  const elements = full.flatMap((row, i) => (i === 0 ? row : [{ type: 'text', text: '\n' }, ...row]));
  return {
    type: 'rich_text',
    elements: [
      {
        type: 'rich_text_section',
        elements: elements.length > 0 ? elements : [{ type: 'text', text: NOTHING }],
      },
    ],
  };
}

/** Preformatted text, whole lines only; says how many lines are left out. */
export function preformatted(text: string, max: number): Part {
  const shown = cutLines(visible(text).replace(/\n+$/, ''), max);
  const note = shown.leftOut > 0 ? `\n… ${shown.leftOut} more lines` : '';
  const block = {
    type: 'rich_text',
    elements: [
      {
        type: 'rich_text_preformatted',
        elements: [{ type: 'text', text: `${shown.text === '' ? ' ' : shown.text}${note}` }],
      } satisfies RichTextPreformatted,
    ],
  } satisfies RichTextBlock;
  return block;
}

export function header(text: string): Part {
  return { type: 'header', text: plain(text, 150) } satisfies HeaderBlock;
}

/** A section of our own markup. */
export function section(markup: string): Part {
  return {
    type: 'section',
    text: { type: 'mrkdwn', text: cutMarkup(markup, 3_000) || NOTHING, verbatim: true },
  } satisfies SectionBlock;
}

/** Small print of our own markup. */
export function context(...markup: readonly string[]): Part {
  return {
    type: 'context',
    elements: markup
      .slice(0, 10)
      .map((text) => ({ type: 'mrkdwn', text: cutMarkup(text, 2_000), verbatim: true })),
  } satisfies ContextBlock;
}

export function plain(text: string, max: number): { type: 'plain_text'; text: string; emoji: boolean } {
  return { type: 'plain_text', text: short(text, max) || NOTHING, emoji: true } satisfies PlainTextElement;
}

export interface ButtonOptions {
  readonly style?: 'primary' | 'danger';
  /** Asks once more before the click is sent. */
  readonly confirm?: {
    readonly title: string;
    readonly text: string;
    readonly yes: string;
    readonly no: string;
  };
}

/** A button. @param value an opaque id, never what it may do */
export function button(actionId: string, text: string, value: string, options: ButtonOptions = {}): Part {
  const { style, confirm } = options;
  return {
    type: 'button',
    action_id: actionId,
    text: plain(text, 75),
    value,
    ...(style === undefined ? {} : { style }),
    ...(confirm === undefined
      ? {}
      : {
          confirm: {
            title: plain(confirm.title, 100),
            text: plain(confirm.text, 300),
            confirm: plain(confirm.yes, 30),
            deny: plain(confirm.no, 30),
          },
        }),
  } satisfies Button;
}

export function actions(...elements: readonly Part[]): Part {
  return { type: 'actions', elements: [...elements] } satisfies {
    type: ActionsBlock['type'];
    elements: Part[];
  };
}

export interface TextInputOptions {
  readonly actionId: string;
  readonly multiline: boolean;
  readonly max: number;
  readonly initial?: string;
  readonly placeholder?: string;
}

export function textInput(options: TextInputOptions): Part {
  const { actionId, multiline, max, initial, placeholder } = options;
  return {
    type: 'plain_text_input',
    action_id: actionId,
    multiline,
    max_length: max,
    ...(initial === undefined || initial === '' ? {} : { initial_value: cut(initial, max) }),
    ...(placeholder === undefined ? {} : { placeholder: plain(placeholder, 150) }),
  } satisfies PlainTextInput;
}

export interface SelectOptions {
  readonly actionId: string;
  readonly placeholder: string;
  readonly options: readonly {
    readonly value: string;
    readonly text: string;
    readonly description?: string;
  }[];
  readonly chosen: string | null;
}

/** A select of at most 100 options (Slack's limit; the rest can be typed after the command). */
export function select({ actionId, placeholder, options, chosen }: SelectOptions): Part {
  const all = options.slice(0, 100).map(({ value, text, description }) => ({
    text: plain(text, 75),
    value,
    ...(description === undefined || description === '' ? {} : { description: plain(description, 75) }),
  }));
  const initial = all.find((option) => option.value === chosen);
  return {
    type: 'static_select',
    action_id: actionId,
    placeholder: plain(placeholder, 150),
    options: all,
    ...(initial === undefined ? {} : { initial_option: initial }),
  } satisfies StaticSelect;
}

export interface InputOptions {
  readonly blockId: string;
  readonly label: string;
  readonly hint?: string;
  readonly optional: boolean;
}

export function input(element: Part, { blockId, label, hint, optional }: InputOptions): Part {
  return {
    type: 'input',
    block_id: blockId,
    label: plain(label, 2_000),
    optional,
    element,
    ...(hint === undefined ? {} : { hint: plain(hint, 2_000) }),
  } satisfies Omit<InputBlock, 'element'> & { element: Part };
}

export interface CheckboxesOptions {
  readonly actionId: string;
  readonly options: readonly {
    readonly value: string;
    readonly text: string;
    readonly description?: string;
  }[];
  readonly chosen: readonly string[];
}

/** Boxes to tick, at most 10 (Slack's limit). */
export function checkboxes({ actionId, options, chosen }: CheckboxesOptions): Part {
  const all = options.slice(0, 10).map(({ value, text, description }) => ({
    text: plain(text, 75),
    value,
    ...(description === undefined || description === '' ? {} : { description: plain(description, 75) }),
  }));
  const initial = all.filter(({ value }) => chosen.includes(value));
  return {
    type: 'checkboxes',
    action_id: actionId,
    options: all,
    ...(initial.length === 0 ? {} : { initial_options: initial }),
  } satisfies Checkboxes;
}
