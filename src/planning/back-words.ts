import type { RollbackLevel } from '../domain/rollback.ts';

/** Where somebody wants to go back to, in their own words. */
export interface BackWish {
  readonly level: RollbackLevel;
  /** As the states are numbered where they are offered; null: none was named. */
  readonly number: number | null;
  /** A piece of work that was named instead: the state after it, or the one before it. */
  readonly place: { readonly side: 'after' | 'before'; readonly node: string } | null;
}

const FILES = /(?:^|\b)(?:only )?(?:the )?files?(?: only)?$/;
const NUMBER = /^(?:snapshot |state |number |no\.? |#)?(\d{1,3})$/;
const GOOD = /^(?:the )?(?:last )?(?:good|validated|valid)(?: state)?$|^(?:the )?(?:last )?state$/;
const STEP = /^(?:the )?(?:failed |last )?step(?: that failed)?$/;
const BEGINNING = /^(?:the )?(?:very )?(?:beginning|start|base|full|everything|all(?: of it)?)$/;
const PLACE = /^(?:(after|before) )?(?:the )?([\w-]+)$/;

/**
 * Reads "3", "3 files", "after design", "before tests", "the last good state", "the beginning", "step". Null: none of these,
 * and then what there is is shown. Nothing is guessed: each of them only leads to a question with what would be lost.
 */
export function readBack(text: string | null): BackWish | null {
  const said = (text ?? '')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/^to /, '')
    .replace(/[.!]+$/, '')
    .trim();
  const isFiles = FILES.test(said);
  const rest = isFiles
    ? said
        .replace(FILES, '')
        .replace(/[, ]+(?:with|but|and)?$/, '')
        .trim()
    : said;
  const level = isFiles ? 'snapshot' : 'state';
  const number = NUMBER.exec(rest)?.[1];
  if (number !== undefined) return { level, number: Number(number), place: null };
  if (GOOD.test(rest) || (isFiles && rest === '')) return { level, number: null, place: null };
  if (STEP.test(rest)) return { level: 'step', number: null, place: null };
  if (BEGINNING.test(rest)) return { level: 'full', number: null, place: null };
  const [, side, node] = PLACE.exec(rest) ?? [];
  if (node === undefined) return null;
  return { level, number: null, place: { side: side === 'before' ? 'before' : 'after', node } };
}
