import type { Person } from '../../contract.ts';

/** Enough hues that four people never look alike; fixed by name, so a person keeps their colour. */
const HUES = [172, 262, 22, 212, 330, 92];

/** A square with the initial. Decorative: the name always stands beside it. */
export function Avatar({ person, size }: { readonly person: Person; readonly size: 'small' | 'large' }) {
  const hue = HUES[[...person.name].reduce((sum, char) => sum + char.charCodeAt(0), 0) % HUES.length] ?? 172;
  return (
    <span
      className={`avatar avatar-${size}${person.isBot ? ' avatar-bot' : ''}`}
      style={{ backgroundColor: `hsl(${hue} 42% 40%)` }}
      aria-hidden="true"
    >
      {person.name.slice(0, 1).toUpperCase()}
    </span>
  );
}
