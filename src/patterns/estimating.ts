import { z } from 'zod';
import { durationMs } from '../domain/duration.ts';
import { fromNothing, inParallel, inSequence, noEstimate, oneOf, times } from '../domain/estimate.ts';
import type { Estimate, Node } from '../domain/workflow.ts';
import { commonOf, type OnError, RETRY } from './on-error.ts';
import type { EstimateContext, Pattern } from './pattern.ts';

/** Keys by which nodes wait for one another wherever they stand: what is side by side may then go one by one. */
const SERIAL = ['lock', 'uses', 'milestone'] as const;
const blockingSchema = z.looseObject({ join: z.looseObject({ rest: z.literal('block') }) });
/** Whoever comes to a node with such a join again meanwhile waits until all of it has ended. */
const blocks = (node: Node): boolean => blockingSchema.safeParse(node).success;
/** Keys by which a node cuts others short. */
const CUTTING = ['cancels', 'completes', 'milestone'] as const;

/**
 * What a tree takes: bounds for the agents that were reckoned with. A run that completes lies within them, one that ends
 * early at most at `high`. Waiting for people, and work they ask for beyond the plan, is theirs and not counted.
 *
 * Beside what each pattern says of itself, three things hold for every node and are reckoned with here, once: its chain of
 * `on_error`, its `timeout`, and what nodes far apart do to one another. Where locks make nodes wait, at every moment some
 * node works, so all of them one after the other is the most it takes. Where a node may end or cancel others, nothing is
 * sure to run.
 */
export function estimateTree(
  root: Node,
  given: Pick<EstimateContext, 'agentTask' | 'commandMs'>,
  patternOf: (node: Node) => Pattern,
): Estimate {
  const nodes = all(root, patternOf);
  const serial = nodes.some((node) => SERIAL.some((key) => Object.hasOwn(node, key)) || blocks(node));
  const cut = nodes.some((node) => node.kind === 'end' || CUTTING.some((key) => Object.hasOwn(node, key)));
  const bare = (node: Node, chain: OnError | null): Estimate => {
    const context: EstimateContext = {
      ...given,
      serial,
      child: (child) => whole(child, chain),
      simpler: (child) => patternOf(child).simpler(child),
      chained: (child, by) => {
        const { chain: own } = commonOf(by);
        return own === null ? whole(child, chain) : chained(child, own, whole(child, chain), bare);
      },
      // In one line nothing is side by side: the most is the sum, and the least stays.
      parallel: (parts, limit) => {
        const beside = inParallel(parts, limit);
        return serial ? { ...beside, ms: { ...beside.ms, high: inSequence(parts).ms.high } } : beside;
      },
    };
    return patternOf(node).estimate(node, context);
  };
  const whole = (node: Node, inherited: OnError | null): Estimate => {
    const { chain, timeoutMs } = commonOf(node);
    const leaf = patternOf(node).children(node).length === 0;
    const own = leaf ? (chain ?? inherited) : inherited;
    const once = bare(node, chain);
    const tried = own === null ? once : chained(node, own, once, bare);
    return inOrder(timeoutMs === null ? tried : capped(tried, timeoutMs));
  };
  const chained = (
    node: Node,
    chain: OnError,
    once: Estimate,
    again: (node: Node, chain: OnError | null) => Estimate,
  ): Estimate => withItems(node, chain, once, given.agentTask, (simpler) => again(simpler, null), patternOf);
  const found = whole(root, null);
  return cut ? fromNothing(found) : found;
}

/**
 * A node with its chain: at least the least of the ways in which it can end well, at most all attempts one after the
 * other. The last attempt is that of a failure which people mend; a backup that only a role names is taken to be like
 * the agent itself.
 */
function withItems(
  node: Node,
  chain: OnError,
  once: Estimate,
  agentTask: (agent: string) => Estimate,
  ofSimpler: (simpler: Node) => Estimate,
  patternOf: (node: Node) => Pattern,
): Estimate {
  const more: Estimate[] = [];
  const ends: Estimate[] = [once];
  const asks = (count: number): Estimate => ({ ...noEstimate, asks: count });
  const isAgent = typeof node['agent'] === 'string';
  for (const item of chain) {
    if (item === 'skip') ends.push(noEstimate);
    else if (item === 'retry' || (typeof item === 'object' && 'retry' in item)) {
      const { tries, base, max } = item === 'retry' ? RETRY : item.retry;
      const waits = Array.from({ length: tries }, (_, at) =>
        Math.min(durationMs(max), durationMs(base) * 2 ** at),
      );
      const delay = waits.reduce((sum, ms) => sum + ms, 0);
      // The same failure three times running asks people, and the try they allow is one of those left or one more.
      more.push(times(once, 0, 0, Math.max(tries, 3)), asks(tries >= 2 ? 1 : 0), {
        ...noEstimate,
        ms: { low: 0, mid: 0, high: delay },
      });
    } else if (item === 'escalate') more.push(times(once, 0, 0, 1), asks(1));
    else if (item === 'degrade') {
      const simpler = patternOf(node).simpler(node);
      if (simpler === null) continue;
      const other = ofSimpler(simpler);
      more.push(times(other, 0, 0, 1));
      ends.push(other);
    } else if (item !== 'stop' && isAgent) {
      const other = typeof item === 'object' ? agentTask(item.failover) : once;
      more.push(times(other, 0, 0, 1));
      ends.push(other);
    }
  }
  const last = chain.includes('skip') ? [] : [times(once, 0, 0, 1)];
  const most = inSequence([once, ...more, ...last]);
  const least = oneOf(ends);
  return {
    ...most,
    ms: { ...most.ms, low: least.ms.low },
    usd: most.usd && { ...most.usd, low: least.usd?.low ?? 0 },
  };
}

/** Whoever is late is cancelled. */
function capped(estimate: Estimate, ms: number): Estimate {
  const { low, mid, high } = estimate.ms;
  return { ...estimate, ms: { low: Math.min(low, ms), mid: Math.min(mid, ms), high: Math.min(high, ms) } };
}

/** What is expected lies within what is possible. */
function inOrder({ ms, usd, asks }: Estimate): Estimate {
  const within = (three: Estimate['ms']): Estimate['ms'] => ({
    ...three,
    mid: Math.min(three.high, Math.max(three.low, three.mid)),
  });
  return { ms: within(ms), usd: usd && within(usd), asks };
}

function all(root: Node, patternOf: (node: Node) => Pattern): Node[] {
  const found: Node[] = [];
  const stack: Node[] = [root];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    found.push(next);
    stack.push(...patternOf(next).children(next));
  }
  return found;
}
