import type { Approval } from '../../domain/approval.ts';
import { FIELD_CHARS, inFields } from '../../domain/conflict-edit.ts';
import { actionIds, callbackIds, inputIds } from '../actions.ts';
import { bold, input, lines, textInput, type View } from '../blocks.ts';
import { short } from '../text.ts';
import { modal } from './modals.ts';

/** The file as it conflicts, both sides marked, to be made into what it is to hold; null where that is not offered. */
export function conflictForm({ nonce, subject: { title, why, edit } }: Approval): View | null {
  const fields = edit !== undefined && 'text' in edit ? inFields(edit.text) : null;
  if (fields === null) return null;
  return modal({
    callbackId: callbackIds.contents,
    title: 'Edit',
    submit: 'Keep this',
    metadata: nonce,
    blocks: [
      lines([bold(short(title, 200))], [short(why, 500)]),
      ...fields.map((text, at) =>
        input(
          textInput({
            actionId: actionIds.contentsText,
            multiline: true,
            max: FIELD_CHARS,
            initial: text,
          }),
          {
            blockId: `${inputIds.contents}${at}`,
            label: fields.length === 1 ? 'The whole file' : `The file, part ${at + 1} of ${fields.length}`,
            ...(at === 0
              ? {
                  hint: 'Between <<<<<<< and ======= stands the first side, from there to >>>>>>> the second. Leave only what the file is to hold.',
                }
              : {}),
            // Of several parts one may become empty; that all of them are is told when it is handed in.
            optional: true,
          },
        ),
      ),
    ],
  });
}
