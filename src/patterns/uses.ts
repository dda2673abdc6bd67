import { BatonError } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import type { Uses } from '../domain/resources.ts';
import type { Node } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation } from '../ports/flow.ts';
import { claimResources, leaseSignal, leaseSignalSchema } from '../ports/leases.ts';

/** Where the holder's timer stands below the fiber that claims: part of stored journals. */
export const HOLDER_TIMER = ['held', 'lease', 'lease'] as const;
/** As long as a duration may be: the timer marks the holder as alive and is not meant to fire. */
const LEASE_MS = 520 * 604_800_000;

/**
 * Does a node's work while it holds what it uses. The claim stands on a timer that runs beside the work: however the
 * work ends, be it cancelled, the timer ends with it, and the lease with the timer.
 */
export function withUses(
  node: Node,
  uses: Uses,
  flow: Flow,
  work: (inner: Flow) => Operation<Handoff>,
): Operation<Handoff> {
  const resources = Object.entries(uses).map(([name, amount]) => `${amount} × ${name}`);
  return flow.call('uses', function* (held) {
    const lease: NamedBody<Handoff> = {
      name: HOLDER_TIMER[1],
      *run(inner) {
        yield* inner.sleep(HOLDER_TIMER[2], LEASE_MS);
        throw lost(node, 'the lease ran out');
      },
    };
    const body: NamedBody<Handoff> = {
      name: 'work',
      *run(inner) {
        const claim = yield* inner.step(
          'claim',
          claimResources,
          { node: node.id, uses, holder: held.path },
          { label: `waiting for ${Object.keys(uses).join(', ')}` },
        );
        if (claim.status === 'gone') throw lost(node, 'its holder was gone before it could hold anything');
        if (claim.status === 'waiting') {
          yield* inner.emit({ type: 'resource.waiting', node: node.id, resources });
          const { refused } = yield* inner.waitSignal('turn', leaseSignal(claim.lease), leaseSignalSchema);
          if (refused !== null) throw lost(node, refused);
        }
        yield* inner.emit({ type: 'resource.held', node: node.id, resources });
        return yield* work(inner);
      },
    };
    return (yield* held.race(HOLDER_TIMER[0], [lease, body])).value;
  });
}

function lost(node: Node, why: string): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'resource_lost',
    message: `"${node.id}" did not get what it uses: ${why}`,
    hint: 'Correct `resources:` in baton.yaml or `uses:` in the workflow, then run it again. What was done is kept.',
  });
}

/** A holder that waits for more could wait for somebody who waits for it. */
export function refuseNested(node: Node): never {
  throw new BatonError({
    class: 'structural',
    code: 'uses_nested',
    message: `"${node.id}" uses resources within a node that holds some already`,
    hint: 'Reserve all of it at once: move `uses:` up to the outer node. Nothing of this node was begun.',
  });
}
