/** What a way of coordinating is good for, how much coordinating it takes, and what goes side by side in it. */
export interface Traits {
  readonly uses: string;
  readonly coordination: 'low' | 'medium' | 'high' | 'very high';
  readonly parallel: 'none' | 'some' | 'full' | 'as resources allow';
}

const of = (uses: string, coordination: Traits['coordination'], parallel: Traits['parallel']): Traits => ({
  uses,
  coordination,
  parallel,
});

/** By kind. Kinds that are not here coordinate nobody. */
const TRAITS: Readonly<Record<string, Traits>> = {
  sequence: of('steps that build on one another', 'low', 'none'),
  parallel: of('independent parts, little time', 'high', 'full'),
  conditional: of('ways that depend on what is found', 'low', 'none'),
  loop: of('work that is judged and improved', 'low', 'none'),
  feedback: of('work that has to be reliable', 'medium', 'none'),
  delegation: of('complex work for specialists', 'medium', 'none'),
  consensus: of('decisions that several answer for', 'medium', 'full'),
  consult: of('work that needs experts first', 'medium', 'some'),
  mesh: of('exploring, with no plan beforehand', 'high', 'none'),
  phases: of('large work of several kinds', 'very high', 'some'),
  map: of('the same work for many things', 'medium', 'full'),
  race: of('the fastest of several ways', 'medium', 'full'),
  adaptive: of('conditions that change', 'high', 'some'),
  'resource-aware': of('scarce people, machines or quotas', 'high', 'as resources allow'),
  orchestrator: of('domains with leads of their own', 'very high', 'full'),
};

/** Null where a kind coordinates nobody. */
export function traitsOf(kind: string): Traits | null {
  return Object.hasOwn(TRAITS, kind) ? (TRAITS[kind] ?? null) : null;
}
