import { type Message, transcriptChars } from './transcript.ts';

/** Messages at the end that are never shortened: what the model is working on. */
const KEEP_LAST = 8;
/** Characters left of a shortened text: enough to see what it was. */
const STUB_CHARS = 300;
/**
 * Compaction goes down to this share of the budget, so that it happens rarely: each time the server's prompt
 * cache is lost from the first changed message on.
 */
const TARGET_SHARE = 0.6;

/**
 * Shortens old tool results and old arguments, oldest first, once a transcript passes its budget. Deterministic,
 * and nothing is removed: every call keeps its result, as the APIs demand.
 * @param budget characters
 */
export function compact(messages: readonly Message[], budget: number): Message[] {
  let chars = transcriptChars(messages);
  if (chars <= budget) return [...messages];
  const target = Math.floor(budget * TARGET_SHARE);
  const lastTouched = messages.length - KEEP_LAST;
  return messages.map((message, index) => {
    if (chars <= target || index >= lastTouched) return message;
    const shorter = shorten(message);
    chars -= transcriptChars([message]) - transcriptChars([shorter]);
    return shorter;
  });
}

function shorten(message: Message): Message {
  switch (message.role) {
    case 'tool':
      return { ...message, text: stub(message.text, 'call the tool again if you need it') };
    case 'assistant': {
      const toolCalls = message.toolCalls.map((call) => ({
        ...call,
        arguments: shortenArguments(call.arguments),
      }));
      return { ...message, toolCalls };
    }
    case 'system':
    case 'user':
      return message;
    default: {
      const never: never = message;
      return never;
    }
  }
}

function stub(text: string, advice: string): string {
  const note = `\n[shortened: ${text.length - STUB_CHARS} characters left out; ${advice}]`;
  return text.length <= STUB_CHARS + note.length ? text : text.slice(0, STUB_CHARS) + note;
}

/** Arguments stay JSON, since servers parse them again: only their long strings shrink. */
function shortenArguments(text: string): string {
  if (text.length <= STUB_CHARS) return text;
  return JSON.stringify(
    JSON.parse(text, (_key, value: unknown) =>
      typeof value === 'string' ? stub(value, 'it is in the file') : value,
    ),
  );
}
