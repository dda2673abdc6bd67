import type { Person } from '../../contract.ts';
import { shownName } from '../state/selectors.ts';
import { useDesk } from './context.ts';

/** Degrees between two neighbours' hues: with 67, the first five people are far apart. */
const HUE_STEP = 67;
const FIRST_HUE = 205;

/** A square with the initial. Decorative: the name always stands beside it. */
export function Avatar({ person, size }: { readonly person: Person; readonly size: 'small' | 'large' }) {
  const { workspace } = useDesk();
  const place = Math.max(
    0,
    workspace.people.findIndex((one) => one.id === person.id),
  );
  const colour = `hsl(${(FIRST_HUE + place * HUE_STEP) % 360} 36% 42%)`;
  return (
    <span
      className={`avatar avatar-${size}${person.isBot ? ' avatar-bot' : ''}`}
      style={person.isBot ? undefined : { backgroundColor: colour }}
      aria-hidden="true"
    >
      {shownName(person).slice(0, 1).toUpperCase()}
    </span>
  );
}
