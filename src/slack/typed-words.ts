import type { Typed } from '../domain/typed-decision.ts';
import { mk, short } from './text.ts';

const NOTHING = 'Nothing was decided.';

/** What somebody is told whose word was no decision. */
export function typedWords(
  typed: Exclude<Typed, { kind: 'chatter' | 'decide' }> | { readonly kind: 'edited' },
): string {
  switch (typed.kind) {
    case 'which': {
      const titles = typed.approvals.slice(0, 5).map(({ subject }) => `“${short(subject.title, 80)}”`);
      return mk`Which one? ${titles.join(' and ')} wait here. ${NOTHING} Please use the buttons of the one you mean.`;
    }
    case 'not_whole':
      return mk`To decide by a word, write APPROVE or REJECT and nothing else, or use the buttons of the card. ${NOTHING}`;
    case 'edited':
      return mk`A message that was edited does not decide. ${NOTHING} Please write the word once more, or use the buttons.`;
    case 'nothing_waits':
      return mk`Nothing waits for a decision here. ${NOTHING}`;
    case 'card_is_newer':
      return mk`The card has come, or changed, after you wrote. ${NOTHING} Please look at it below, and say so again.`;
    case 'has_own_answers':
      return mk`That question has answers of its own. ${NOTHING} Please use its buttons.`;
    default:
      return typed satisfies never;
  }
}
