import type { Known, Yes } from './known.ts';
import type { World } from './world.ts';

interface Away {
  readonly from: string;
  readonly to: string;
  readonly since: number;
  readonly until: number;
  ended: boolean;
}

interface Need {
  readonly anyone: boolean;
  readonly people: readonly string[];
  readonly groups: readonly string[];
  readonly count: number;
}

/**
 * Who may decide what, and in whose place: by the policies as the test wrote them and by what people were seen to say.
 * Nothing of it is asked of the parts under test.
 */
export class Who {
  readonly #w: World;
  readonly #away: Away[] = [];

  constructor(w: World) {
    this.#w = w;
  }

  /** What somebody said takes the place of what they had said before. */
  delegated(from: string, to: string, until: number): void {
    this.returned(from);
    this.#away.push({ from, to, since: this.#w.clock.now(), until, ended: false });
  }

  returned(from: string): void {
    const now = this.#w.clock.now();
    for (const each of this.#away) if (each.from === from && each.until > now) each.ended = true;
  }

  /** Whoever decides in this person's place at this moment. */
  standIn(from: string): string | undefined {
    return this.#holding().find((each) => each.from === from)?.to;
  }

  /** Those in whose place this person may speak at this moment. */
  placesOf(to: string): string[] {
    return this.#holding().flatMap((each) => (each.to === to ? [each.from] : []));
  }

  /** Whether they stand in for anybody, now or later. */
  isNamed(to: string): boolean {
    const now = this.#w.clock.now();
    return this.#away.some((each) => each.to === to && !each.ended && each.until > now);
  }

  /** The rule by which this person decides on this in no case; null: there is none. */
  barred({ openedWith }: Known, id: string): 'A2' | 'A3' | null {
    if (id === 'UBOT' || id === 'UERIN') return 'A2';
    if (id === 'UALICE' && openedWith.fourEyes === true) return 'A2';
    return ['UGUEST', 'USTRANGER'].includes(id) || this.#w.outside.demoted.has(id) ? 'A3' : null;
  }

  /** The needs that a yes from this person's own seat counts for. */
  needsMetBy(one: Known, id: string): number[] {
    const { group } = this.#w.outside;
    return needsOf(one).flatMap(({ anyone, people, groups }, i) =>
      anyone || people.includes(id) || (groups.length > 0 && group.has(id)) ? [i] : [],
    );
  }

  /** Whether somebody may speak from a seat: their own, or that of somebody who is away and may decide themselves. */
  maySpeak(one: Known, id: string, seat: string): boolean {
    if (this.barred(one, id) !== null || this.barred(one, seat) !== null) return false;
    if (this.needsMetBy(one, seat).length === 0) return false;
    return id === seat || (this.needsMetBy(one, id).length === 0 && this.placesOf(id).includes(seat));
  }

  /** Whether they said yes, or somebody did in their place. */
  hasSpoken({ yes }: Known, id: string): boolean {
    return yes.has(id) || [...yes.values()].some(({ seat }) => seat === id);
  }

  /** Whether they may speak at all: in somebody's place, or also from their own seat. */
  isAble(one: Known, id: string, own: boolean): boolean {
    return [...(own ? [id] : []), ...this.placesOf(id)].some((seat) => this.maySpeak(one, id, seat));
  }

  may(one: Known, id: string): boolean {
    return this.isAble(one, id, true);
  }

  /** Whether that is enough: of each need as many seats as it asks for. */
  isEnough(one: Known, said: Iterable<Yes>): boolean {
    const all = [...said];
    return needsOf(one).every(
      ({ count }, i) =>
        new Set(all.flatMap(({ seat, needs }) => (needs.includes(i) ? [seat] : []))).size >= count,
    );
  }

  /** Those of the yes that could be said again now, counted as they would be. */
  standing(one: Known): Yes[] {
    return [...one.yes].flatMap(([id, { seat }]) =>
      this.maySpeak(one, id, seat) ? [{ seat, needs: this.needsMetBy(one, seat) }] : [],
    );
  }

  #holding(): Away[] {
    const now = this.#w.clock.now();
    return this.#away.filter(({ since, until, ended }) => !ended && since <= now && now < until);
  }
}

function needsOf({ openedWith }: Known): readonly Need[] {
  const { people = [], groups = [], deputies = [], count = 1, requirements = [] } = openedWith;
  const anyone = people.length === 0 && groups.length === 0;
  if (anyone && count === 1 && requirements.length > 0) return requirements;
  return [{ anyone, people: [...people, ...(anyone ? [] : deputies)], groups, count }, ...requirements];
}
