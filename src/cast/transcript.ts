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
  /** What the agent has to answer to (a review, a person's wish), null when there is none. */
  readonly feedback: string | null;
  /** The whole first message, which holds what earlier nodes handed over. */
  readonly task: string;
  /** Turns the agent has already had: 0 for its first. */
  readonly turn: number;
  /** Results of the calls of the turn before, one after another; null when there were none. */
  readonly lastTool: string | null;
}

/** The lines that open a part of an agent's first message. A part ends where the next one opens. */
const headings = ['Node', 'Request', 'Task', 'Context', 'Previous', 'Feedback', 'Test command'] as const;
type Heading = (typeof headings)[number];

/** Reads role, node, request, feedback and the turn from a transcript. Pure, never throws. */
export function readScene(transcript: Transcript): Scene {
  const task = transcript.entries.find((entry) => entry.kind === 'user')?.text ?? '';
  const parts = splitParts(task);
  return {
    role: firstLineValue(transcript.system, 'Role'),
    node: parts.get('Node') ?? null,
    request: parts.get('Request') ?? task.trim(),
    feedback: parts.get('Feedback') || null,
    task,
    turn: countTurns(transcript.entries),
    lastTool: lastToolText(transcript.entries),
  };
}

function splitParts(task: string): Map<Heading, string> {
  const parts = new Map<Heading, string>();
  let open: Heading | null = null;
  let lines: string[] = [];
  const close = () => {
    // The first of a name counts: what follows may be quoted text that only looks like a heading.
    if (open !== null && !parts.has(open)) parts.set(open, lines.join('\n').trim());
  };
  for (const line of task.split('\n')) {
    const heading = headings.find((name) => line.startsWith(`${name}:`));
    if (heading === undefined) {
      lines.push(line);
      continue;
    }
    close();
    open = heading;
    lines = [line.slice(heading.length + 1)];
  }
  close();
  return parts;
}

function firstLineValue(text: string, name: string): string | null {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim() || null;
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
