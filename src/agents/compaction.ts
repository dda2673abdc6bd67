import { cutMiddle } from './data-marks.ts';
import { type Message, messageTokens, transcriptTokens } from './transcript.ts';

/** Messages at the end that are shortened last: what the model is working on. */
const KEEP_LAST = 8;
/** Characters left of a text that is shortened: enough to see what it was. */
const STUB_CHARS = 300;
/** Characters left of each text of the last messages, where those alone are too much: ever fewer. */
const RECENT_CHARS = [12_000, 3_000, STUB_CHARS] as const;
/**
 * Compaction goes down to this share of the budget, so that it happens rarely: each time the server's prompt
 * cache is lost from the first changed message on.
 */
const TARGET_SHARE = 0.6;
/** Tools whose calls and answers are never shortened: what people were asked, and what they said. */
const KEPT_TOOLS: ReadonlySet<string> = new Set(['ask']);
const LEFT_OUT = /^\[left out: (\d+) earlier turns/;

export interface Compacted {
  readonly messages: Message[];
  /** What was done; null when there was room. Tokens as they are estimated. */
  readonly done: {
    readonly before: number;
    readonly after: number;
    /** Messages of which a part was left out, this time. */
    readonly shortened: number;
    /** Turns that were left out whole, this time. */
    readonly dropped: number;
  } | null;
}

/**
 * Keeps a transcript within its budget, deterministically. Oldest first: results of tools and arguments of calls are
 * shortened, then what the model said beside them; then the longest of the last messages; then whole turns are left out, each
 * call with its result; then what the last messages still have. Wherever something is missing, the transcript says so. Never
 * touched: the rules, the task, whatever people said, and what they were asked. Only where those alone leave less room than the
 * last turn needs at its shortest can the end be above the budget.
 * @param budget tokens, as {@link transcriptTokens} estimates them
 */
export function compact(messages: readonly Message[], budget: number): Compacted {
  const before = transcriptTokens(messages);
  if (before <= budget) return { messages: [...messages], done: null };
  const target = Math.floor(budget * TARGET_SHARE);
  const recent = messages.slice(-KEEP_LAST).map((message) => ({ first: message, now: message }));
  const old = messages.slice(0, -KEEP_LAST).map((message) => ({ first: message, now: message }));
  const all = (): readonly Slot[] => [...old, ...recent];
  const over = (): boolean => tokensOf(all()) > budget;

  shorten(old, tokensOf(all()) - target, (message) => shortTools(message, STUB_CHARS, stub));
  if (over()) shorten(old, tokensOf(all()) - target, shortWords);
  let dropped = 0;
  for (const [at, chars] of RECENT_CHARS.entries()) {
    const cut = (message: Message): Message =>
      shortWords(shortTools(message, chars, cutMiddle), chars, cutMiddle);
    if (over()) shorten(recent, tokensOf(all()) - budget, cut);
    if (at === 0 && over()) dropped = dropTurns(old, recent, tokensOf(all()) - target);
  }
  return {
    messages: all().map(({ now }) => now),
    done: {
      before,
      after: tokensOf(all()),
      shortened: all().filter(({ first, now }) => first !== now && now.role !== 'user').length,
      dropped,
    },
  };
}

/** A message as it came, and as it is now. */
interface Slot {
  readonly first: Message;
  now: Message;
}

function tokensOf(slots: readonly Slot[]): number {
  return transcriptTokens(slots.map(({ now }) => now));
}

/** Oldest first, until so many tokens are saved. */
function shorten(slots: readonly Slot[], tokens: number, how: (message: Message) => Message): void {
  let left = tokens;
  for (const slot of slots) {
    if (left <= 0) return;
    const shorter = how(slot.now);
    const saved = messageTokens(slot.now) - messageTokens(shorter);
    // A note on what is missing may be longer than what it stands for.
    if (saved <= 0) continue;
    slot.now = shorter;
    left -= saved;
  }
}

/**
 * Leaves out the oldest turns whole until so many tokens are saved, and says how many are missing by now.
 * @returns how many were left out
 */
function dropTurns(old: Slot[], recent: readonly Slot[], tokens: number): number {
  let left = tokens;
  let dropped = 0;
  let first = old.length;
  for (let at = 0; at < old.length && left > 0; ) {
    const turn = turnAt(old, at);
    // One that reaches into the last messages stays: its results are there.
    const whole = at + turn.length < old.length || recent[0]?.now.role !== 'tool';
    if (turn.length === 0 || !whole || turn.some(({ now }) => asksPeople(now))) {
      at += Math.max(1, turn.length);
      continue;
    }
    left -= tokensOf(old.splice(at, turn.length));
    dropped += 1;
    first = Math.min(first, at);
  }
  if (dropped === 0) return 0;
  const earlier = old.findIndex(({ now }) => now.role === 'user' && LEFT_OUT.test(now.text));
  const before = earlier === -1 ? 0 : Number(LEFT_OUT.exec(old[earlier]?.now.text ?? '')?.[1]);
  const note: Message = {
    role: 'user',
    text: `[left out: ${before + dropped} earlier turns, to make room. What they changed is in the files; look again where you need it]`,
  };
  if (earlier === -1) old.splice(first, 0, { first: note, now: note });
  else old.splice(earlier, 1, { first: note, now: note });
  return dropped;
}

/** What the model said at this place with the results of its calls; nothing where somebody else speaks. */
function turnAt(slots: readonly Slot[], at: number): readonly Slot[] {
  if (slots[at]?.now.role !== 'assistant') return [];
  let end = at + 1;
  while (slots[end]?.now.role === 'tool') end += 1;
  return slots.slice(at, end);
}

function asksPeople(message: Message): boolean {
  return message.role === 'assistant' && message.toolCalls.some(({ name }) => KEPT_TOOLS.has(name));
}

type Cut = (text: string, chars: number) => string;

/** Results of tools, and arguments of calls. */
function shortTools(message: Message, chars: number, cut: Cut): Message {
  switch (message.role) {
    case 'tool':
      return KEPT_TOOLS.has(message.name) ? message : { ...message, text: cut(message.text, chars) };
    case 'assistant': {
      const toolCalls = message.toolCalls.map((call) =>
        KEPT_TOOLS.has(call.name) ? call : { ...call, arguments: shortArguments(call.arguments, chars) },
      );
      return { ...message, toolCalls };
    }
    case 'system':
    case 'user':
      return message;
    default:
      return message satisfies never;
  }
}

/** What the model said beside its calls. */
function shortWords(message: Message, chars: number = STUB_CHARS, cut: Cut = stub): Message {
  return message.role === 'assistant' ? { ...message, text: cut(message.text, chars) } : message;
}

function stub(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const head = text.slice(0, chars);
  // Data whose end is cut off is closed all the same.
  const mark = /<data ([0-9a-f]+) \|/.exec(head)?.[1];
  const close = mark === undefined || head.includes(`</data ${mark}>`) ? '' : `\n</data ${mark}>`;
  return `${head}${close}\n[shortened: ${text.length - chars} characters left out; call the tool again if you need it]`;
}

/** Arguments stay JSON, since servers parse them again: their long strings shrink, and if that is not enough, all of it. */
function shortArguments(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const short = JSON.stringify(
    JSON.parse(text, (_key, value: unknown) =>
      typeof value === 'string' && value.length > chars
        ? `${value.slice(0, chars)}\n[shortened: ${value.length - chars} characters left out; it is in the file]`
        : value,
    ),
  );
  return short.length <= chars * 4
    ? short
    : JSON.stringify({ shortened: `${text.slice(0, chars)} [${text.length - chars} characters left out]` });
}
