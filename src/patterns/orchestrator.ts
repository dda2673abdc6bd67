import { z } from 'zod';
import { agentResults } from '../domain/agent.ts';
import { inSequence, oneOf } from '../domain/estimate.ts';
import { BatonError, toFailure } from '../domain/failure.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import { type Job, pathsOf } from '../domain/schedule.ts';
import { type Estimate, nodeSchema } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation } from '../ports/flow.ts';
import { askAgent } from './ask.ts';
import { isFinal } from './final.ts';
import { joined } from './joined.ts';
import { type Attempt, commonOf, commonShape, withChain } from './on-error.ts';
import { definePattern, type EstimateContext, type RunContext } from './pattern.ts';

/** Domains side by side unless the node says otherwise: what one provider's rate limit usually bears. */
const DEFAULT_LIMIT = 20;

const domainSchema = z.strictObject({
  id: nodeSchema.shape.id,
  /** What it is for; what the orchestrating agent chooses by. */
  purpose: z.string(),
  needs: z.array(z.string()).default([]),
  /** What becomes of the domain's failure once its own run has ended with it. */
  on_error: commonShape.on_error,
  flow: nodeSchema,
});
type Domain = z.infer<typeof domainSchema>;

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('orchestrator'),
    mode: z.enum(['centralised', 'distributed', 'hierarchical']),
    /** Says after each domain which comes next: `centralised`. */
    orchestrator: z.string().optional(),
    task: z.string().default('Lead the work to its end.'),
    domains: z.array(domainSchema).min(1).max(50),
    limit: z.number().int().min(1).max(1_000).default(DEFAULT_LIMIT),
  })
  .superRefine((node, context) => {
    const say = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    const ids = node.domains.map(({ id }) => id);
    if (new Set(ids).size < ids.length)
      say(['domains'], 'Each domain has an id of its own. Give one of them another.');
    if ((node.mode === 'centralised') !== (node.orchestrator !== undefined))
      say(
        ['orchestrator'],
        '`mode: centralised` needs an `orchestrator`, and no other mode has one. Name the agent that leads, or take it out.',
      );
    for (const [at, { needs }] of node.domains.entries()) {
      for (const need of needs)
        if (!ids.includes(need))
          say(['domains', at, 'needs'], `There is no domain "${need}". Write one of: ${ids.join(', ')}.`);
      if (node.mode === 'distributed' && needs.length > 0)
        say(
          ['domains', at, 'needs'],
          'Distributed domains wait for events of one another, not for their ends. Take `needs` out, or write `mode: hierarchical`.',
        );
    }
    if (pathsOf(node.domains.map((domain) => jobOf(domain, 1))).size < new Set(ids).size)
      say(
        ['domains'],
        'Some domains need one another in a circle, so none of them could begin. Take one of their `needs` out.',
      );
  });
type Orchestrator = z.infer<typeof schema>;

/** P15: domains that are each led by a run of their own, under one agent, side by side, or as a tree. */
export const orchestrator = definePattern({
  kind: 'orchestrator',
  schema,
  children: (node) => node.domains.map(({ flow }) => flow),
  agents: (node) => (node.orchestrator === undefined ? [] : [{ agent: node.orchestrator, task: node.task }]),
  *run(node, input, flow, context) {
    switch (node.mode) {
      case 'centralised':
        return yield* centralised(node, node.orchestrator ?? '', input, flow, context);
      case 'distributed':
        return yield* distributed(node, input, flow, context);
      case 'hierarchical':
        return yield* hierarchical(node, input, flow, context);
      default:
        return node.mode satisfies never;
    }
  },
  estimate(node, context) {
    const each = node.domains.map(({ id, flow, on_error }) =>
      context.chained(flow, { kind: node.kind, id, on_error }),
    );
    if (node.mode === 'distributed') return oneAtLeast(context.parallel(each, node.limit), each);
    if (node.mode === 'hierarchical') return scheduled(node, each, context);
    const asked = node.domains.map(() => context.agentTask(node.orchestrator ?? ''));
    const all = inSequence([...each, ...asked]);
    // The agent may call it done before every domain has worked.
    const least = askedOnce(node, context);
    return {
      ...all,
      ms: { ...all.ms, low: least.ms.low },
      usd: all.usd && { ...all.usd, low: least.usd?.low ?? 0 },
    };
  },
  /** One after the other, in an order that their needs allow, in this very run. */
  simpler: ({ id, domains }) => ({ id, kind: 'sequence', stages: ordered(domains).map(({ flow }) => flow) }),
  describe: (node, child) => {
    const parts = node.domains.map(({ id, flow }) => `${id} (${child(flow)})`).join(', ');
    return node.mode === 'centralised'
      ? `${node.orchestrator ?? ''} leads ${parts}`
      : `${parts}, each led by itself`;
  },
});

/** One agent decides after each domain which is next, with words for it, until it calls the work done. */
function* centralised(
  node: Orchestrator,
  agent: string,
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Handoff> {
  const done = new Set<string>();
  let handoff = input;
  for (;;) {
    const open = node.domains.filter(
      ({ id, needs }) => !done.has(id) && needs.every((need) => done.has(need)),
    );
    if (open.length === 0) return handoff;
    const route = yield* askNext(node, agent, open, handoff, flow, context);
    if (route.done) {
      const left = node.domains.filter(({ id }) => !done.has(id)).map(({ id }) => id);
      return {
        ...handoff,
        warnings: [...handoff.warnings, `${node.id}: ${agent} called it done without ${left.join(', ')}`],
      };
    }
    const named = open.find(({ id }) => id === route.agent);
    const next = named ?? open[0];
    if (next === undefined) return handoff;
    const reason = named === undefined ? `"${route.agent}" is none of those that can go next` : route.reason;
    yield* flow.emit({ type: 'route.chosen', node: node.id, agent: next.id, by: 'conductor', reason });
    const words = { node: node.id, agent, summary: route.task || next.purpose };
    const given = { ...handoff, context: mergeContext(handoff.context, [words]) };
    handoff = yield* flow.call(next.id, (inner) => oneDomain(node, next, given, inner, context));
    done.add(next.id);
  }
}

function* askNext(
  node: Orchestrator,
  agent: string,
  open: readonly Domain[],
  handoff: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<z.infer<typeof agentResults.route>> {
  const line = `${node.id}:${agent}`;
  const choices = open.map(({ id, purpose }) => `${id} (${purpose})`).join('; ');
  const task = `You lead this work: ${node.task}\nSay that it is done, or which domain goes next, and what it should look after: ${choices}.`;
  const options = open.map(({ id }) => id);
  const answer = yield* flow.call(
    'route',
    (inner) =>
      askAgent({ node: node.id, line, agent, task, output: 'route', options }, handoff, inner, context),
    line,
  );
  return agentResults.route.parse(answer.result);
}

/** All at once, none waiting for another's end; one that fails takes nobody with it. */
function* distributed(
  node: Orchestrator,
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Handoff> {
  const ends = yield* flow.settle(
    'domains',
    node.domains.map((domain) =>
      bodyOf(node, domain, (inner) => oneDomain(node, domain, input, inner, context)),
    ),
    {
      limit: node.limit,
      until: (settled) => settled.some((end) => end.status === 'failed' && isFinal(end.error)),
    },
  );
  const failed = ends.flatMap((end, at) =>
    end.status === 'failed' ? [{ id: node.domains[at]?.id ?? '', error: end.error }] : [],
  );
  const final =
    failed.find(({ error }) => isFinal(error)) ?? (failed.length === ends.length ? failed[0] : undefined);
  if (final !== undefined) throw final.error;
  const kept = ends.flatMap((end, at) =>
    end.status === 'done' ? [{ id: node.domains[at]?.id ?? '', handoff: end.value }] : [],
  );
  const whole = joined(
    input,
    kept.map(({ id }) => id),
    kept.map(({ handoff }) => handoff),
  );
  const lost = failed.map(
    ({ id, error }) => `${node.id}: ${id} failed and was left out: ${toFailure(error).message}`,
  );
  return { ...whole, warnings: [...new Set([...whole.warnings, ...lost])] };
}

/** Each as soon as those it needs have ended; the failure of one is the parent's, and ends the others. */
function* hierarchical(
  node: Orchestrator,
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Handoff> {
  const done = new Map<string, Handoff>();
  const bodies = ordered(node.domains).map((domain) =>
    bodyOf(node, domain, function* (inner) {
      yield* inner.until(() => domain.needs.every((need) => done.has(need)));
      const before = domain.needs.flatMap((need) => done.get(need) ?? []);
      const [only] = before;
      const given =
        only === undefined ? input : before.length === 1 ? only : joined(input, domain.needs, before);
      const handoff = yield* oneDomain(node, domain, given, inner, context);
      done.set(domain.id, handoff);
      return handoff;
    }),
  );
  const ends = yield* flow.all('domains', bodies, node.limit);
  const order = ordered(node.domains).map(({ id }) => id);
  return joined(input, order, ends);
}

function bodyOf(
  node: Orchestrator,
  { id }: Domain,
  run: (inner: Flow) => Operation<Handoff>,
): NamedBody<Handoff> {
  return { name: id, node: `${node.id}:${id}`, run };
}

/** A domain as a run of its own. What it fails with is handled here, by the parent, as the domain's chain says. */
function* oneDomain(
  node: Orchestrator,
  domain: Domain,
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Handoff> {
  const line = `${node.id}:${domain.id}`;
  yield* flow.emit({ type: 'node.started', node: line, kind: 'orchestrator' });
  const attempt: Attempt = {
    run: (what, given, inner, name) => inner.call(name, (below) => context.child(what, given, below)),
    backup: () => null,
    simpler: (what) => context.simpler(what),
  };
  const { chain } = commonOf({ kind: node.kind, id: domain.id, on_error: domain.on_error });
  try {
    const handoff = yield* chain === null
      ? context.child(domain.flow, input, flow)
      : withChain(domain.flow, chain, input, flow, context, attempt);
    const summary = handoff.context.at(-1)?.summary ?? 'done';
    yield* flow.emit({ type: 'node.finished', node: line, status: 'done', summary });
    return handoff;
  } catch (error) {
    yield* flow.emit({
      type: 'node.finished',
      node: line,
      status: 'failed',
      summary: toFailure(error).message,
    });
    if (!(error instanceof BatonError)) throw error;
    const { failure } = error;
    throw new BatonError({ ...failure, message: `${domain.id}: ${failure.message}` }, error);
  }
}

/** In an order that their needs allow; as written where they allow several. */
function ordered(domains: readonly Domain[]): readonly Domain[] {
  const left = [...domains];
  const order: Domain[] = [];
  for (let next = 0; next >= 0; ) {
    next = left.findIndex(({ needs }) => needs.every((need) => order.some(({ id }) => id === need)));
    if (next >= 0) order.push(...left.splice(next, 1));
  }
  return order;
}

function jobOf({ id, needs }: Domain, ms: number): Job {
  return { id, needs, uses: {}, priority: 1, ms };
}

/** Where one fails, the others go on; all but one may have failed at once. */
function oneAtLeast(all: Estimate, each: readonly Estimate[]): Estimate {
  const least = oneOf(each);
  return {
    ...all,
    ms: { ...all.ms, low: least.ms.low },
    usd: all.usd && { ...all.usd, low: least.usd?.low ?? 0 },
  };
}

/**
 * The longest way of needs. Where there are fewer places than domains, those that wait hold places too, and at worst all
 * go one after the other; so they do where locks are held.
 */
function scheduled(node: Orchestrator, each: readonly Estimate[], context: EstimateContext): Estimate {
  const total = inSequence(each);
  const longest = (size: 'low' | 'mid' | 'high'): number =>
    Math.max(
      0,
      ...pathsOf(node.domains.map((domain, at) => jobOf(domain, each[at]?.ms[size] ?? 0))).values(),
    );
  const places = node.limit >= node.domains.length;
  const [low, mid] = [longest('low'), longest('mid')];
  return { ...total, ms: { low, mid, high: places && !context.serial ? longest('high') : total.ms.high } };
}

function askedOnce(node: Orchestrator, context: EstimateContext): Estimate {
  return context.agentTask(node.orchestrator ?? '');
}
