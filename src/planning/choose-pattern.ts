import type { Dimensions, PatternName } from '../domain/start-options.ts';
import type { Node } from '../domain/workflow.ts';

/** A way of coordinating, why this one, and what each other would give and take. */
export interface PatternChoice {
  readonly pattern: PatternName;
  readonly reason: string;
  readonly alternatives: readonly string[];
}

const TRADE_OFFS: Readonly<Record<PatternName, string>> = {
  'one-agent': 'one-agent: cheapest, nobody looks over it but you',
  sequence: 'sequence: gates between the steps, slower',
  delegation: 'delegation: the fitting specialist, one conductor more to pay',
  mesh: 'mesh: finds its own way, hard to foretell',
  parallel: 'parallel: quickest, parts must not touch the same files',
  feedback: 'feedback: goes round until it is good, dearest',
};

const EXPLORING =
  /\b(?:explor\w*|research\w*|investigat\w*|find out|figure out|prototype|compare|evaluate|why (?:does|is|are))\b/i;
const INDEPENDENT = /\b(?:independent(?:ly)?|each of|separately)\b/i;
const ITEM = /^\s*(?:[-*•]|\d+[.)])\s+\S/gm;
/** Words up to which a request that lists nothing counts as simple, or as moderate. */
const SIMPLE = 12;
const MODERATE = 60;

/** How complex a request is by its length and what it lists: a guess, used where nobody said. */
function complexityOf(request: string): NonNullable<Dimensions['complexity']> {
  const words = request.split(/\s+/).filter(Boolean).length;
  const items = request.match(ITEM)?.length ?? 0;
  if (words <= SIMPLE && items === 0) return 'simple';
  return words <= MODERATE && items <= 3 ? 'moderate' : 'complex';
}

/**
 * The way of coordinating for a request, without any history: high reliability goes before exploring, that before
 * independence or urgency, and else complexity decides. Pure.
 */
export function choosePattern(request: string, dimensions: Dimensions): PatternChoice {
  const chosen = (pattern: PatternName, reason: string): PatternChoice => ({
    pattern,
    reason,
    alternatives: Object.entries(TRADE_OFFS).flatMap(([name, words]) => (name === pattern ? [] : [words])),
  });
  const { quality, timeline, risk } = dimensions;
  if (quality === 'critical' || (quality === 'high' && risk === 'low'))
    return chosen('feedback', 'it has to be reliable, so it goes round until every criterion is met');
  if (EXPLORING.test(request))
    return chosen('mesh', 'it explores, so who is next is decided after each finding');
  const items = request.match(ITEM)?.length ?? 0;
  if (items > 1 || INDEPENDENT.test(request)) return chosen('parallel', 'its parts are independent');
  if (timeline === 'urgent') return chosen('parallel', 'it is urgent');
  const complexity = dimensions.complexity ?? complexityOf(request);
  switch (complexity) {
    case 'simple':
      return chosen('one-agent', 'it is simple');
    case 'moderate':
      return chosen('sequence', 'it is of moderate complexity, so each step is checked before the next');
    case 'complex':
    case 'enterprise':
      return chosen('delegation', 'it is complex, so a conductor gives it to whoever is best');
    default:
      return complexity satisfies never;
  }
}

const verify: Node = { kind: 'command', id: 'verify', run: 'test' };
const keep: Node = {
  kind: 'approval',
  id: 'keep',
  title: 'Keep this change?',
  why: 'The work is done and was tested as far as this repository can be.',
};
const build: Node = {
  kind: 'agent',
  id: 'build',
  agent: 'developer',
  task: 'Do what the request asks for, and test it.',
};
const specialists = [
  { agent: 'backend', words: ['api', 'server', 'database', 'backend', 'endpoint', 'query'] },
  { agent: 'frontend', words: ['page', 'component', 'style', 'frontend', 'button', 'form'] },
  { agent: 'qa', words: ['test', 'coverage', 'quality', 'regression'] },
];
const task = 'Do what the request asks for.';

/** A tree that does any request in one way of coordinating, with roles that ship. */
export function flowOf(pattern: PatternName): Node {
  return { kind: 'sequence', id: 'work', stages: [...stagesOf(pattern), keep] };
}

function stagesOf(pattern: PatternName): Node[] {
  switch (pattern) {
    case 'one-agent':
      return [build, verify];
    case 'sequence': {
      const design: Node = {
        kind: 'agent',
        id: 'design',
        agent: 'architect',
        task: 'Say how the request is best done: files, steps, risks.',
      };
      const review: Node = {
        kind: 'agent',
        id: 'review',
        agent: 'reviewer',
        task: 'Review the change against the request.',
      };
      const improve: Node = {
        kind: 'agent',
        id: 'improve',
        agent: 'developer',
        task: 'Mend what the review and the tests found.',
      };
      const checked: Node = { kind: 'sequence', id: 'checked', stages: [verify, review] };
      return [
        design,
        build,
        { kind: 'loop', id: 'gate', body: checked, improve, until: { quality: 70 }, max: 3 },
      ];
    }
    case 'delegation':
      return [
        {
          kind: 'delegation',
          id: 'delegate',
          conductor: 'architect',
          task,
          delegates: specialists.map(({ agent, words }) => ({ agent, expertise: words })),
          alignment: true,
        },
        verify,
      ];
    case 'mesh':
      return [
        {
          kind: 'mesh',
          id: 'explore',
          hub: 'architect',
          task,
          pool: specialists.map(({ agent, words }) => ({ agent, capabilities: words })),
        },
        verify,
      ];
    case 'parallel': {
      const branches = specialists.map(
        ({ agent, words }): Node => ({
          kind: 'agent',
          id: `${agent}-part`,
          agent,
          task: `Do what concerns you of the request (${words.join(', ')}), in files of your own. If nothing does, say so.`,
        }),
      );
      return [{ kind: 'parallel', id: 'parts', branches }, verify];
    }
    case 'feedback':
      return [
        {
          kind: 'feedback',
          id: 'until-good',
          producer: build,
          reviewer: 'reviewer',
          criteria: ['all-tests-pass', 'no-security-vulnerabilities'],
        },
      ];
    default:
      return pattern satisfies never;
  }
}
