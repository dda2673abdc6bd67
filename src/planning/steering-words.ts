import type { Steering, SteeringKind } from '../domain/steering.ts';

/** What there is to speak about when somebody says something. */
export interface Heard {
  /** Its work is over: only then it can be handed over. */
  readonly ended?: boolean;
  /** Whether Baton was addressed: mentioned, or answered after it had asked. */
  readonly addressed: boolean;
  /** Ids of the workflow's nodes, and names of agents that could be asked. */
  readonly nodes: readonly string[];
  readonly agents: readonly string[];
  /** A plan waits to be started. */
  readonly planOpen: boolean;
  /** Pieces of work that people have taken over. */
  readonly taken: readonly string[];
}

const POLITE = String.raw`(?:(?:please|pls|ok|okay|hey|now|well|so|and|could you|can you|would you|will you)[ ,]+)*`;
const THING = String.raw`(?: (?:it|this|that|everything|all|the (?:run|work)|working|now|here|please))*`;
const AWHILE = String.raw`(?: (?:for (?:now|a (?:moment|minute|while|bit))|a (?:moment|minute|second|bit)|there|on))*`;

/** Whole messages, so that "stop using tabs" is no stop and "wait until Ben has looked" is no pause. */
const WHOLE: readonly (readonly [SteeringKind, RegExp])[] = [
  ['stop', whole(String.raw`(?:stop|cancel|abort|kill|halt)${THING}`)],
  ['pause', whole(String.raw`(?:pause|hold(?: on)?|wait|hang on|freeze)${THING}${AWHILE}`)],
  ['resume', whole(String.raw`(?:resume|continue|unpause|carry on|go on|keep going|proceed)${THING}`)],
];
const START = whole(
  String.raw`(?:(?:looks |sounds )?(?:good|great|fine)[ ,.!]+)?(?:start|go|go ahead|do it|run it|ship it|begin)${THING}`,
);
const RETRY = whole(
  String.raw`(?:retry|redo|repeat|re-?run|try again|do (?:it|that) again|try (?:the )?(?<name>[\w-]+) again)(?: (?:with )?(?:the |this |that )?(?:step )?(?<what>[\w-]+)?)?(?: again)?`,
);
const SKIP = whole(
  String.raw`skip (?:the |this |that )?(?<name>[\w-]+)(?: (?:step|stage|part))?(?:(?:,? (?:because|since|as)|[:,;]| -) *(?<why>.+))?`,
);
const TAKE = whole(
  String.raw`(?:i(?:'ll| will|'m going to)? |let me )?(?:take over|do|take|handle) (?:the )?(?<name>[\w-]+)(?: (?:step|part|myself|from here))*`,
);
const DONE = whole(
  String.raw`(?:i(?:'m| am|'ve| have)? )?(?:done|finished|it is done|it's done)(?: (?:with )?(?:the )?(?<name>[\w-]+))?(?:[:,;.] *(?<what>.+))?`,
);
const BACK = whole(
  String.raw`(?:roll ?(?:it |this |the run )?back|go back|revert|undo)(?: to)?(?: (?<what>.+))?`,
);
const REASSIGN = [
  whole(
    String.raw`(?:let |have |use |take )?(?<agent>[\w-]+) (?:do|take|handle|instead of|for|on) (?:the )?(?<name>[\w-]+)`,
  ),
  whole(String.raw`(?:give|hand) (?:the )?(?<name>[\w-]+) (?:over )?to (?:the )?(?<agent>[\w-]+)`),
];
const QUESTION =
  /\?\s*$|^(?:what|how|why|when|where|who|which|is|are|was|does|do we|do you|did|has|have you|can|could|should|will|status|progress)\b/i;
const IMPERATIVE = new RegExp(
  String.raw`^${POLITE}(?:use|make|prefer|focus|change|switch|avoid|stop \w+ing|don'?t|do not|never|always|keep|only|add|remove|rename|write|put|move|try|ignore|follow|respect|mind|include|exclude|leave|drop|start with|begin with|first|rather|instead)\b|\b(?:instead of|rather than|must|should (?:be|not|use|have)|needs? to)\b`,
  'i',
);

const SENTIMENT = {
  positive:
    /\b(?:great|good|nice|love|perfect|excellent|well done|thanks?|thank you|like (?:it|this|that)|works)\b|👍|🎉/i,
  negative:
    /\b(?:bad|wrong|ugly|broken|hate|terrible|awful|annoying|slow|worse|don'?t like|do not like|not (?:good|what|right|enough)|disappoint\w*|mess|fails?)\b|👎/i,
} as const;
const PRIORITY: readonly (readonly [Steering['priority'], RegExp])[] = [
  [
    'critical',
    /\b(?:urgent(?:ly)?|immediately|at once|asap|critical|emergency|right now|blocker|security)\b/i,
  ],
  [
    'low',
    /\b(?:nice to have|when you (?:can|have time)|minor|nit|maybe|perhaps|low priority|no hurry|not important)\b/i,
  ],
  ['high', /\b(?:important|must|crucial|essential|really need|as soon as|high priority|before anything)\b/i],
];

/**
 * Understands a message in an epic's thread. Pure and deterministic: tables of words, no guess where there is none.
 * What is not addressed to Baton counts only when it is plainly an instruction; all else is people talking.
 */
export function readSteering(message: string, heard: Heard): Steering {
  const text = message.replaceAll(/\s+/g, ' ').replaceAll('’', "'").trim();
  const found = control(text, heard) ?? words(text, heard);
  const { kind } = found;
  const silent = !heard.addressed && (kind === 'feedback' || kind === 'question');
  return {
    kind: text === '' || silent ? 'chatter' : kind,
    sentiment: sentimentOf(text),
    priority: PRIORITY.find(([, pattern]) => pattern.test(text))?.[0] ?? 'normal',
    direction: kind === 'direction' ? found.text : null,
    target: found.target,
    agent: found.agent ?? null,
    reason: found.reason ?? null,
  };
}

interface Found {
  readonly kind: SteeringKind;
  readonly target: string | null;
  readonly agent?: string | null;
  readonly reason?: string | null;
  readonly text: string;
}

const HAND_OVER = whole(
  'hand (?:it|this|the (?:run|branch|work)) over|hand over|push (?:it|this|the branch)|open (?:a|the) pull request',
);

/** What a person does with the run or one piece of it. */
function control(text: string, heard: Heard): Found | null {
  const places = [...heard.nodes, ...heard.agents];
  const named = (match: RegExpExecArray | null, from: readonly string[]): string | null => {
    const name = match?.groups?.['name']?.toLowerCase();
    return name !== undefined && from.includes(name) ? name : null;
  };
  const is = (kind: SteeringKind, target: string | null = null, more: Partial<Found> = {}): Found => ({
    kind,
    target,
    text,
    ...more,
  });

  for (const [kind, pattern] of WHOLE) if (pattern.test(text)) return is(kind);
  if (heard.planOpen && START.test(text)) return is('start');
  const again = RETRY.exec(text);
  if (again !== null) {
    const what = (again.groups?.['name'] ?? again.groups?.['what'])?.toLowerCase();
    return is('retry', what !== undefined && places.includes(what) ? what : null);
  }
  const skip = SKIP.exec(text);
  const skipped = named(skip, [...places, 'step', 'this', 'that', 'it']);
  if (skipped !== null)
    return is('skip', places.includes(skipped) ? skipped : null, { reason: skip?.groups?.['why'] ?? null });
  for (const pattern of REASSIGN) {
    const match = pattern.exec(text);
    const agent = match?.groups?.['agent']?.toLowerCase();
    const target = named(match, places);
    if (target !== null && agent !== undefined && heard.agents.includes(agent))
      return is('reassign', target, { agent });
  }
  const take = TAKE.exec(text);
  const target = named(take, places);
  if (target !== null) return is('take_over', target);
  const done = heard.taken.length === 0 ? null : DONE.exec(text);
  if (done !== null)
    return is('done', named(done, heard.taken) ?? heard.taken[0] ?? null, {
      reason: done.groups?.['what'] ?? null,
    });
  if (heard.ended === true && HAND_OVER.test(text)) return is('hand_over');
  const back = BACK.exec(text);
  if (back !== null) return is('rollback', null, { reason: back.groups?.['what'] ?? null });
  return null;
}

/** What a person says. */
function words(text: string, heard: Heard): Found {
  const { target, rest } = addressee(text, [...heard.nodes, ...heard.agents]);
  const kind =
    QUESTION.test(rest) && !IMPERATIVE.test(rest)
      ? 'question'
      : IMPERATIVE.test(rest)
        ? 'direction'
        : 'feedback';
  return { kind, target, text: rest };
}

/** "backend: use streams", "tell qa to …", "for the frontend, …" */
function addressee(
  text: string,
  places: readonly string[],
): { readonly target: string | null; readonly rest: string } {
  const match = /^(?:(?:tell|ask|for) (?:the )?)?(?<name>[\w-]+)(?:[:,]| to) +(?<rest>.+)$/i.exec(text);
  const name = match?.groups?.['name']?.toLowerCase();
  return name !== undefined && places.includes(name)
    ? { target: name, rest: match?.groups?.['rest'] ?? text }
    : { target: null, rest: text };
}

function sentimentOf(text: string): Steering['sentiment'] {
  // "not good" holds "good" as well.
  if (SENTIMENT.negative.test(text)) return 'negative';
  return SENTIMENT.positive.test(text) ? 'positive' : 'neutral';
}

function whole(pattern: string): RegExp {
  return new RegExp(String.raw`^${POLITE}(?:${pattern})[ .!]*(?:,? *please|,? *thanks?)?[ .!]*$`, 'i');
}
