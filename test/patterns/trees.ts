import type { Json } from '../../src/domain/json.ts';
import type { Node } from '../../src/domain/workflow.ts';

/** Numbers from 0 to 1 that one seed decides: a failing tree can be made again (xorshift32). */
export function chance(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

export function pick<T>(random: () => number, ...of: readonly [T, ...T[]]): T {
  return of[Math.floor(random() * of.length)] ?? of[0];
}

/** What a kind's node is made with: `first` is the child that is sure to run, `child` any other. */
interface Makes {
  readonly id: string;
  readonly random: () => number;
  readonly first: () => Node;
  readonly child: () => Node;
  readonly fresh: () => string;
}
type Make = (makes: Makes) => object;

const agents = ['backend', 'qa', 'reviewer'] as const;
const rarely = (makes: Makes, key: string, of: () => unknown): object =>
  makes.random() < 0.4 ? { [key]: of() } : {};

/** What is done where two streams changed the same: by a rule, people, an agent, or nobody. */
const onConflict = (random: () => number): object =>
  pick<object>(
    random,
    {},
    { on_conflict: pick(random, 'first', 'second', 'ask', 'stop') },
    { on_conflict: { agent: 'backend' } },
  );

/** Tasks in streams or in one worktree, in the order of their needs, that meet at points of every type. */
function tasks({ first, child, fresh, random }: Makes): object {
  const [one, two, three, four] = [fresh(), fresh(), fresh(), fresh()];
  const streams = random() < 0.7;
  const of = (stream: string): object => (streams && random() < 0.7 ? { stream } : {});
  const approval = { title: 'Go on?', why: 'It matters' };
  const moves = streams && random() < 0.5;
  const meeting = streams ? pick(random, 'integration', 'milestone') : 'milestone';
  return {
    streams,
    ...(streams ? onConflict(random) : {}),
    limit: pick(random, 1, 2, 20),
    tasks: [
      { id: one, flow: first(), ...of('left') },
      { id: two, agent: 'backend', task: 'Do it', ...of('right') },
      { id: three, flow: child(), needs: [one], ...of('right') },
      { id: four, flow: safe(fresh()), ...of('left') },
      ...(moves ? [{ id: fresh(), agent: 'qa', task: 'Do it', stream: 'left', capabilities: ['work'] }] : []),
    ],
    ...(moves ? { rebalance: true } : {}),
    sync: [
      {
        id: `meet-${one}`,
        type: meeting,
        participants: [one, two],
        ...(random() < 0.3 ? { approval } : {}),
      },
      pick<object>(
        random,
        { id: `told-${one}`, type: 'progress', participants: [three, four] },
        { id: `begin-${one}`, type: 'start', participants: [three, four], after: [`meet-${one}`] },
        { id: `desk-${one}`, type: 'resource', participants: [three, four] },
      ),
    ],
  };
}

/** One small valid node of each kind, without its `id` and `kind`; what follows a `/` is another form of the kind. */
const making: Readonly<Record<string, Make>> = {
  sequence: ({ first, child }) => ({ stages: [first(), child()] }),
  parallel: (makes) => ({
    branches: [makes.first(), makes.child()],
    limit: pick(makes.random, 1, 2),
    ...rarely(makes, 'each', makes.child),
    ...rarely(makes, 'join', () => ({
      count: pick(makes.random, 0, 1, 2),
      rest: pick(makes.random, 'cancel', 'ignore', 'block'),
    })),
  }),
  'parallel/streams': ({ first, child, random }) => ({
    branches: [first(), child()],
    streams: true,
    limit: pick(random, 1, 2),
    ...onConflict(random),
  }),
  'parallel/tasks': tasks,
  conditional: (makes) => ({
    start: makes.first(),
    cases: [{ if: 'passed and result.lines < 50', then: makes.child() }],
    ...rarely(makes, 'on_failure', makes.child),
  }),
  loop: (makes) => ({
    body: makes.first(),
    max: 2,
    on_exhausted: pick(makes.random, 'fail', 'best', 'ask'),
    ...rarely(makes, 'until', () => ({ rule: 'round == 2 and passed' })),
    ...rarely(makes, 'same', () => 2),
    ...rarely(makes, 'improve', makes.child),
  }),
  feedback: ({ first, random }) => ({
    producer: first(),
    reviewer: 'qa',
    criteria: [pick(random, 'all-tests-pass', 'no-security-vulnerabilities')],
    max: 2,
    on_exhausted: pick(random, 'fail', 'best'),
  }),
  delegation: () => ({
    conductor: 'architect',
    task: 'Do it',
    delegates: [{ agent: 'backend', expertise: ['nothing'] }],
    alignment: true,
  }),
  consensus: ({ random }) => ({
    question: 'Which?',
    options: ['this', 'that'],
    participants: agents,
    method: pick(random, 'majority', 'unanimous'),
    tie: 'conductor',
    conductor: 'architect',
  }),
  consult: ({ first }) => ({ domain: 'storage', experts: [{ agent: 'qa' }], then: first() }),
  mesh: () => ({
    hub: 'architect',
    task: 'Explore it',
    pool: ['backend', 'qa'].map((agent) => ({ agent, capabilities: ['work'] })),
  }),
  phases: (makes) => {
    const { first, child, fresh, random } = makes;
    const overlap = random() < 0.5;
    return {
      phases: [
        {
          id: fresh(),
          purpose: 'Make it',
          flow: first(),
          validate: overlap ? child() : 'passed',
          overlap,
          ...rarely(makes, 'rework', child),
        },
        ...(overlap ? [{ id: fresh(), purpose: 'Use it', setup: child(), flow: child() }] : []),
      ],
    };
  },
  map: (makes) => {
    const { first, random, child } = makes;
    return {
      ...(random() < 0.7 ? { items: ['a', 'b'] } : { over: 'items' }),
      body: first(),
      on_item_error: pick(random, 'fail', 'keep'),
      ...rarely(makes, 'more', () => 'go'),
      ...(random() < 0.3
        ? { join: { count: 1, rest: pick(random, 'cancel', 'ignore', 'block') }, then: child() }
        : {}),
    };
  },
  // A loser that would never end, beside a runner that is sure to: whoever waits for losers is stuck.
  race: ({ first, child, fresh, random }) =>
    random() < 0.7
      ? { runners: [first(), safe(fresh()), { kind: 'wait', id: fresh(), signal: 'never' }] }
      : { runners: [first(), child(), safe(fresh())], needs: 2 },
  'map/streams': ({ first, random }) => ({
    items: ['a', 'b'],
    body: first(),
    streams: true,
    on_item_error: pick(random, 'fail', 'keep'),
    ...onConflict(random),
    ...(random() < 0.3 ? { join: { count: 1, rest: pick(random, 'cancel', 'ignore', 'block') } } : {}),
  }),
  'race/streams': ({ first, child, fresh, random }) => ({
    streams: true,
    ...onConflict(random),
    ...(random() < 0.7
      ? { runners: [first(), safe(fresh()), { kind: 'wait', id: fresh(), signal: 'never' }] }
      : { runners: [first(), child(), safe(fresh())], needs: 2 }),
  }),
  'phases/streams': (makes) => ({
    streams: true,
    ...onConflict(makes.random),
    phases: [
      {
        id: makes.fresh(),
        purpose: 'Make it',
        flow: makes.first(),
        validate: makes.child(),
        overlap: true,
        ...rarely(makes, 'rework', makes.child),
      },
      { id: makes.fresh(), purpose: 'Use it', setup: makes.child(), flow: safe(makes.fresh()) },
    ],
  }),
  adaptive: ({ first, child, fresh, random }) => ({
    body:
      random() < 0.5
        ? { kind: 'sequence', id: fresh(), stages: [safe(fresh()), child()] }
        : { kind: 'parallel', id: fresh(), branches: [safe(fresh()), child()], limit: 1 },
    adaptations: [
      { when: 'done >= 1', ...(random() < 0.5 ? { to: first() } : { insert: first() }), times: 1 },
      {
        when: 'error-rate > 10%',
        do: pick(random, 'parallel-execution', 'one-by-one', 'simpler'),
        cooldown: '0s',
      },
    ],
  }),
  orchestrator: ({ first, child, fresh, random }) => {
    const [one, two] = [fresh(), fresh()];
    const mode = pick(random, 'centralised', 'distributed', 'hierarchical');
    return {
      mode,
      ...(mode === 'centralised' ? { orchestrator: 'architect' } : {}),
      domains: [
        { id: one, purpose: 'core', flow: first() },
        {
          id: two,
          purpose: 'tests',
          flow: child(),
          needs: mode === 'hierarchical' ? [one] : [],
          ...(random() < 0.3 ? { on_error: pick(random, 'skip', 'degrade', 'escalate') } : {}),
        },
      ],
    };
  },
  'resource-aware': ({ first, child, fresh, random }) => {
    const [one, two] = [fresh(), fresh()];
    return {
      resources: { desk: random() < 0.5 ? 1 : { amount: 2, soft: 1, cost: 3 } },
      tasks: [
        { id: one, do: first(), uses: { desk: 1 } },
        random() < 0.5
          ? { id: two, do: child(), uses: { desk: 1 }, priority: pick(random, 'low', 'high') }
          : { id: two, ways: [child(), safe(fresh())], needs: [one] },
      ],
    };
  },
  wait: ({ random }) =>
    pick<object>(
      random,
      { for: pick(random, '0s', '10m', '6w') },
      {
        signal: 'go',
        within: '1h',
        on_timeout: pick(random, 'fail', 'go_on'),
        transient: random() < 0.3,
      },
      { any: [{ signal: 'go' }, { for: '1h' }] },
    ),
  machine: (makes) => ({
    states: [
      { id: 'work', run: makes.first(), go: [{ if: 'passed', to: 'done' }, { to: 'mend' }] },
      { id: 'mend', run: makes.child(), go: [{ to: 'work' }] },
      { id: 'done', end: true },
    ],
    max_visits: 2,
  }),
  workflow: ({ first }) => ({ workflow: 'other', flow: first() }),
  end: ({ random }) => ({ status: pick(random, 'completed', 'failed') }),
  emit: () => ({ event: 'task_completion', payload: { task: '{{ result.lines }} lines' } }),
  receive: ({ random }) => ({
    event: 'task_completion',
    within: '1h',
    on_timeout: pick(random, 'fail', 'go_on'),
    ...(random() < 0.5 ? { since: 'run', count: 2, where: 'event.task == "x"' } : {}),
  }),
  agent: ({ random }) => ({ agent: pick(random, ...agents), task: 'Do it' }),
  command: ({ random }) => ({ run: random() < 0.5 ? 'test' : ['check'] }),
  person: ({ random }) => ({
    task: 'Do it by hand',
    within: '1h',
    on_timeout: pick(random, 'skip', 'stop'),
    ...(random() < 0.3 ? { output: { works: 'yes-no' } } : {}),
  }),
  approval: ({ first }) => ({ title: 'Keep it?', why: 'It matters', on_changes: first(), max_rounds: 2 }),
};

/** Every form that nodes are made in. */
export const generated: readonly string[] = Object.keys(making);

export function kindOf(form: string): string {
  return form.split('/')[0] ?? form;
}

/** The form a node was made in. */
export function formOf(node: Node): string {
  const form = `${node.kind}/${'tasks' in node ? 'tasks' : 'streams'}`;
  const other = node.kind in making && form in making;
  return other && ('tasks' in node || node['streams'] === true) ? form : node.kind;
}

function safe(id: string): Node {
  return { kind: 'agent', id: `safe-${id}`, agent: 'backend', task: 'Do it' };
}

const chains: readonly [Json, ...Json[]] = [
  'skip',
  'degrade',
  'escalate',
  ['retry', 'skip'],
  ['degrade', 'stop'],
];

interface Wanted {
  readonly seed: number;
  readonly parent: string;
  readonly child: string;
  /** Kinds without nodes below them: what stands at the end of each path. */
  readonly leaves: readonly [string, ...string[]];
  /** Every form, `parallel/streams` beside `parallel`. */
  readonly kinds: readonly [string, ...string[]];
}

/** A random tree in which `child` stands below `parent`, sometimes below another node again. */
export function tree({ seed, parent, child, leaves, kinds }: Wanted): Node {
  const random = chance(seed);
  let count = 0;
  const fresh = (): string => {
    count += 1;
    return `n${count}`;
  };
  const any = (depth: number): string => (depth <= 0 ? pick(random, ...leaves) : pick(random, ...kinds));
  const make = (form: string, depth: number, path: readonly string[]): Node => {
    const id = fresh();
    const kind = kindOf(form);
    const [firstKind, ...rest] = path;
    const fields = making[form]?.({
      id,
      random,
      fresh,
      first: () => make(firstKind ?? any(depth - 1), depth - 1, rest),
      child: () => make(any(depth - 1), depth - 1, []),
    });
    const chain = random() < 0.15 ? { on_error: pick(random, ...chains) } : {};
    // On leaves alone: a lock within itself is refused when a file is read.
    const lock = leaves.includes(kind) && random() < 0.2 ? { lock: pick(random, 'a', 'b') } : {};
    return { kind, id, ...fields, ...chain, ...lock };
  };
  const above = random() < 0.3 ? [pick(random, 'sequence', 'parallel', 'race', 'map', 'loop')] : [];
  const [root, ...path] = [...above, parent, child];
  return make(root ?? parent, 3, path);
}
