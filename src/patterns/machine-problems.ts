/** A machine as far as its shape goes. */
interface Shape {
  readonly start?: string | undefined;
  readonly states: readonly {
    readonly id: string;
    readonly go?: readonly { readonly if?: string | undefined; readonly to: string }[] | undefined;
    readonly end: boolean;
  }[];
}
interface Problem {
  readonly path: (string | number)[];
  readonly message: string;
}

/** What is wrong with the states and transitions of a machine, each at its place, with what to write instead. */
export function machineProblems(machine: Shape): Problem[] {
  const { states } = machine;
  const ids = states.map(({ id }) => id);
  const problems: Problem[] = [];
  const say = (message: string, ...path: (string | number)[]): void => void problems.push({ path, message });
  if (machine.start !== undefined && !ids.includes(machine.start)) say(noState(machine.start, ids), 'start');
  if (!states.some(({ end }) => end))
    say('No state has `end: true`, so it would never end. Write it at one of them.', 'states');
  for (const [at, state] of states.entries()) {
    const { id, go = [], end } = state;
    if (ids.indexOf(id) < at)
      say(`The state "${id}" is there twice. Give one of them another id.`, 'states', at, 'id');
    if (end && go.length > 0)
      say(`"${id}" ends the machine, so it goes nowhere. Take \`go\` or \`end\` away.`, 'states', at, 'go');
    if (!end && go.length === 0)
      say(`"${id}" leads nowhere. Give it \`go\`, or \`end: true\`.`, 'states', at);
    for (const [way, { to, if: rule }] of go.entries()) {
      if (!ids.includes(to)) say(noState(to, ids), 'states', at, 'go', way, 'to');
      if (rule === undefined && way < go.length - 1)
        say(
          'What follows a transition without `if` is never taken. Put it last.',
          'states',
          at,
          'go',
          way + 1,
        );
    }
  }
  if (problems.length > 0) return problems;
  const ways = new Map(states.map(({ id, go = [] }) => [id, go.map(({ to }) => to)]));
  const begun = reachable([machine.start ?? ids[0] ?? ''], ways);
  const ending = reachable(
    states.flatMap(({ id, end }) => (end ? [id] : [])),
    reversed(ways),
  );
  for (const [at, { id }] of states.entries()) {
    if (!begun.has(id))
      say(`No way leads to the state "${id}". Name it in a \`to\`, or take it out.`, 'states', at);
    else if (!ending.has(id))
      say(`From "${id}" no way leads to an end: it could only go round. Give it a way out.`, 'states', at);
  }
  return problems;
}

function noState(name: string, ids: readonly string[]): string {
  return `There is no state "${name}". Write one of: ${ids.join(', ')}.`;
}

function reachable(from: readonly string[], ways: ReadonlyMap<string, readonly string[]>): Set<string> {
  const seen = new Set(from);
  const stack = [...from];
  for (let next = stack.pop(); next !== undefined; next = stack.pop())
    for (const to of ways.get(next) ?? [])
      if (!seen.has(to)) {
        seen.add(to);
        stack.push(to);
      }
  return seen;
}

function reversed(ways: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const back = new Map<string, string[]>();
  for (const [from, tos] of ways) for (const to of tos) back.set(to, [...(back.get(to) ?? []), from]);
  return back;
}
