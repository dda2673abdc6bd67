import type { Failure } from '../domain/failure.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { askPeople } from './ask-people.ts';

/** Times that people are asked to name one of the options before it is given up. */
const MOST_ASKED = 3;

/**
 * Has people choose what a vote did not decide: a yes takes the first, the option they write in its place takes that one.
 * @param options what may be chosen, the leader first; at least one
 * @param failure what it ends with when they do not choose: it says how the vote ended
 * @returns null when they named none of them, asked three times
 * @throws BatonError terminal `approval_rejected` or `approval_timeout`: a no, or silence, is final
 */
export function* askWhich(
  {
    node,
    options,
    failure: { code, message },
  }: {
    readonly node: string;
    readonly options: readonly string[];
    readonly failure: Pick<Failure, 'code' | 'message'>;
  },
  flow: Flow,
): Operation<string | null> {
  const [first] = options;
  if (first === undefined) return null;
  const list = options.map((option, at) => `${at + 1}. ${option}`).join('\n');
  for (let round = 1; round <= MOST_ASKED; round += 1) {
    const missed = round === 1 ? '' : 'What was written is none of the options. ';
    const answer = yield* askPeople(
      {
        node,
        title: `Nobody won the vote of "${node}". Take “${first}”?`,
        why: `${missed}${message}. The options:\n${list}`,
        risk: 'Approve takes it; to take another, ask for changes and write its number or its words, and nothing else.',
        round,
        subject: { kind: 'failure', code, message },
      },
      flow,
    );
    if (answer.verdict === 'approve') return first;
    const named = optionNamed(answer.comment ?? '', options);
    if (named !== null) return named;
  }
  return null;
}

/** The option that words name by themselves, or by its number. Words around it may say the opposite, so they name none. */
function optionNamed(words: string, options: readonly string[]): string | null {
  const plain = (text: string): string =>
    text
      .trim()
      .replace(/^[“"'`]+|[”"'`.!]+$/g, '')
      .toLowerCase();
  const said = plain(words);
  const exact = options.find((option) => plain(option) === said);
  if (exact !== undefined) return exact;
  const number = /^#?(\d{1,2})$/.exec(said)?.[1];
  return number === undefined ? null : (options[Number(number) - 1] ?? null);
}
