import { personOf } from '../state/selectors.ts';
import type { Ready } from '../state/state.ts';
import { Avatar } from './avatar.tsx';
import { useDesk } from './context.ts';

interface Props {
  readonly state: Ready;
  readonly menuOpen: boolean;
  readonly onMenu: () => void;
}

/** Who one acts as, everybody else one click away, and the note that this is no Slack. */
export function TopBar({ state, menuOpen, onMenu }: Props) {
  const { session } = useDesk();
  const { people } = state.workspace;
  return (
    <header className="top-bar">
      <button type="button" className="plain menu-button" aria-expanded={menuOpen} onClick={onMenu}>
        <span aria-hidden="true">☰</span>
        <span className="hidden">Channels</span>
      </button>
      <p className="rehearsal">
        <strong>Local rehearsal</strong>
        <span className="rehearsal-more"> · a workspace on this machine, not Slack</span>
      </p>
      <fieldset className="people" aria-label="Act as">
        <span className="acting">
          acting as <strong>{personOf(people, state.me).name}</strong>
        </span>
        {people
          .filter((person) => !person.isBot)
          .map((person) => {
            const waiting = state.elsewhere[person.id]?.length ?? 0;
            const acting = person.id === state.me;
            return (
              <button
                key={person.id}
                type="button"
                className="person"
                aria-label={`Act as ${person.name}`}
                aria-pressed={acting}
                aria-describedby={waiting > 0 ? `waiting-${person.id}` : undefined}
                title={person.isGuest ? `${person.realName} (guest)` : person.realName}
                onClick={() => session.actAs(person.id)}
              >
                <Avatar person={person} size="small" />
                <span className="person-name">{person.name}</span>
                {waiting > 0 && (
                  <span className="badge" id={`waiting-${person.id}`}>
                    {waiting}
                    <span className="hidden"> unread</span>
                  </span>
                )}
              </button>
            );
          })}
      </fieldset>
    </header>
  );
}
