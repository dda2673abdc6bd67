/**
 * A conversation as the cast sees it, whichever of the two APIs carried it. Everything the cast may base an
 * answer on is in here; it keeps nothing between requests.
 */
export type Entry =
  | { readonly kind: 'user'; readonly text: string }
  | { readonly kind: 'assistant'; readonly text: string }
  | { readonly kind: 'tool'; readonly text: string };

export interface Transcript {
  readonly system: string;
  readonly entries: readonly Entry[];
  /** Name of the JSON schema the answer has to fit, as the request gives it; null when it asks for none. */
  readonly resultName: string | null;
  /** False when the request forbids calls now, which is how an agent that ran out of turns is asked to end. */
  readonly mayCall: boolean;
}

/** What the lines of a cast are chosen by, all of it read from the transcript. */
export interface Scene {
  readonly role: string | null;
  readonly node: string | null;
  /** The person's words. */
  readonly request: string;
  /** What there is to choose from, when a vote or a route is asked for. */
  readonly options: readonly string[];
  /** What the agent has to answer to (a review, a person's wish), null when there is none. */
  readonly feedback: string | null;
  /** The whole first message, which holds what earlier nodes handed over. */
  readonly task: string;
  /** Turns the agent has already had: 0 for its first. */
  readonly turn: number;
  /** Results of the calls of the turn before, one after another; null when there were none. */
  readonly lastTool: string | null;
}

/**
 * Reads role, node, request, feedback and the turn from a transcript, by the lines an agent's prompt is made of.
 * A conversation of another form (a person with curl) is read as well as it goes: all of it is the request.
 * Pure, never throws.
 */
export function readScene(transcript: Transcript): Scene {
  const task = transcript.entries.find((entry) => entry.kind === 'user')?.text ?? '';
  return {
    role: firstLineValue(transcript.system, 'Role'),
    node: firstLineValue(task, 'Node'),
    request: requestOf(task),
    options: optionsOf(task),
    feedback: feedbackOf(task),
    task,
    turn: countTurns(transcript.entries),
    lastTool: lastToolText(transcript.entries),
  };
}

function firstLineValue(text: string, name: string): string | null {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim() || null;
}

/** The request stands between its heading and that of the task; each part begins after an empty line. */
const requestPart = /(?:^|\n)Request: ?([\s\S]*?)(?=\n\nTask:|$)/;

function requestOf(task: string): string {
  return (requestPart.exec(task)?.[1] ?? task).trim();
}

/**
 * Text from outside stands between an opening and a closing line with the same mark, which is made from the text
 * itself, so no text can hold its own closing line.
 */
const dataBlock = /^<data (\w+)\b[^\n]*\n[\s\S]*?\n<\/data \1>$/gm;
const feedbackPart = /\n\nFeedback:[^\n]*\n([\s\S]*)$/;
/** The last part, which follows the feedback. */
const testCommandPart = /\n\nTest command: [^\n]*$/;

function feedbackOf(task: string): string | null {
  // Only what stands after the task and is not quoted: a request that holds such a heading brings no feedback.
  const own = task.slice(Math.max(0, task.indexOf('\n\nTask:'))).replaceAll(dataBlock, '');
  const text = feedbackPart.exec(own)?.[1]?.replace(testCommandPart, '').trim() ?? '';
  // A single point is not counted when its words are used.
  return (/^2\. /m.test(text) ? text : text.replace(/^1\. /, '')) || null;
}

const optionsPart = /\n\nOptions:[^\n]*\n((?:\d+\. [^\n]*\n?)+)/;

function optionsOf(task: string): string[] {
  const own = task.slice(Math.max(0, task.indexOf('\n\nTask:'))).replaceAll(dataBlock, '');
  return (optionsPart.exec(own)?.[1] ?? '')
    .split('\n')
    .flatMap((line) => /^\d+\. (.*)$/.exec(line)?.[1] ?? []);
}

/** Assistant entries that follow each other are one turn: the Responses API sends a turn in several items. */
function countTurns(entries: readonly Entry[]): number {
  return entries.filter((entry, at) => entry.kind === 'assistant' && entries[at - 1]?.kind !== 'assistant')
    .length;
}

function lastToolText(entries: readonly Entry[]): string | null {
  const lastAssistant = entries.findLastIndex((entry) => entry.kind === 'assistant');
  const results = entries.slice(lastAssistant + 1).filter((entry) => entry.kind === 'tool');
  return results.length > 0 ? results.map((entry) => entry.text).join('\n') : null;
}
