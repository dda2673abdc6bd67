import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import type { Channel } from '../../contract.ts';
import { parseCommand } from '../text/typed.ts';
import { explain } from '../text/words.ts';
import { useDesk } from './context.ts';
import { type Suggestion, suggest, usageOf } from './suggestions.ts';

interface Props {
  readonly channel: Channel;
  readonly threadTs: string | null;
  readonly label: string;
  readonly text: string;
  readonly onText: (text: string) => void;
  /** Rises when something else puts text into the box: the box then takes the focus. */
  readonly handed?: number;
}

/** Enter sends, Shift+Enter breaks the line, `/` lists the commands; text that was refused stays. */
export function Composer({ channel, threadTs, label, text, onText, handed = 0 }: Props) {
  const { session, workspace } = useDesk();
  const area = useRef<HTMLTextAreaElement>(null);
  const listId = useId();
  const [caret, setCaret] = useState(0);
  const [chosen, setChosen] = useState(0);
  const [closed, setClosed] = useState(false);
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const offers = closed
    ? []
    : suggest(text, Math.min(caret, text.length), threadTs !== null, workspace.commands, workspace.people);
  const picked = offers[Math.min(chosen, offers.length - 1)];
  const usage = offers.length === 0 && threadTs === null ? usageOf(text, workspace.commands) : null;

  useGrowth(area, text);
  useEffect(() => {
    const element = area.current;
    if (handed === 0 || element === null) return;
    element.focus();
    element.setSelectionRange(element.value.length, element.value.length);
  }, [handed]);

  const write = (value: string, at: number) => {
    onText(value);
    setCaret(at);
    setChosen(0);
    setClosed(false);
    setProblem(null);
  };

  const take = (offer: Suggestion) => {
    const value = text.slice(0, offer.from) + offer.insert + text.slice(caret);
    write(value, offer.from + offer.insert.length);
    area.current?.focus();
  };

  const sendCommand = async (command: string, rest: string) => {
    if (threadTs !== null) return setProblem(explain('no_commands_in_threads', command));
    // Without a manifest the desk knows no commands, and the app itself has the say.
    if (workspace.commands.length > 0 && !workspace.commands.some((one) => one.command === command)) {
      return setProblem(`There is no command ${command} here. Type / to see those there are.`);
    }
    setSending(true);
    const error = await session.command(channel.id, command, rest);
    setSending(false);
    if (error === null) write('', 0);
    else setProblem(error);
  };

  const send = () => {
    if (text.trim() === '' || sending) return;
    const command = parseCommand(text);
    if (command !== null) return void sendCommand(command.command, command.text);
    const words = text.trim();
    write('', 0);
    void session.say(channel.id, words, threadTs);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const complete = picked?.insert.trim() === text.trim();
    if (picked !== undefined && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      setChosen((chosen + (event.key === 'ArrowDown' ? 1 : offers.length - 1)) % offers.length);
    } else if (
      picked !== undefined &&
      (event.key === 'Tab' || (event.key === 'Enter' && !complete)) &&
      !event.shiftKey
    ) {
      event.preventDefault();
      take(picked);
    } else if (picked !== undefined && event.key === 'Escape') {
      event.preventDefault();
      setClosed(true);
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  };

  return (
    <div className="composer" aria-busy={sending}>
      {offers.length > 0 && (
        <div className="offers" role="listbox" id={listId} aria-label="Suggestions">
          {offers.map((offer) => (
            <div
              key={offer.key}
              id={`${listId}-${offer.key}`}
              role="option"
              tabIndex={-1}
              aria-selected={offer === picked}
              className="offer"
              onMouseDown={(event) => {
                event.preventDefault();
                take(offer);
              }}
            >
              <strong>{offer.label}</strong>
              <span>{offer.note}</span>
            </div>
          ))}
        </div>
      )}
      <div className="composer-box">
        <textarea
          ref={area}
          rows={1}
          aria-label={label}
          aria-autocomplete="list"
          aria-controls={offers.length > 0 ? listId : undefined}
          aria-activedescendant={picked === undefined ? undefined : `${listId}-${picked.key}`}
          placeholder={label}
          value={text}
          readOnly={sending}
          onChange={(event) => write(event.target.value, event.target.selectionStart)}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
          onKeyDown={onKeyDown}
        />
        <button
          type="button"
          className="button button-primary send"
          disabled={sending || text.trim() === ''}
          onClick={send}
        >
          {sending ? 'Sending…' : 'Send'}
        </button>
      </div>
      <p
        className={problem === null ? 'composer-note' : 'composer-note problem'}
        role={problem === null ? undefined : 'alert'}
      >
        {problem ?? usage ?? 'Enter sends · Shift+Enter for a new line'}
      </p>
    </div>
  );
}

/** Lets the box grow with its text, up to the height its style allows. */
function useGrowth(area: { readonly current: HTMLTextAreaElement | null }, text: string) {
  useEffect(() => {
    const element = area.current;
    if (element === null) return;
    element.style.height = 'auto';
    if (text !== '') element.style.height = `${element.scrollHeight}px`;
  }, [area, text]);
}
