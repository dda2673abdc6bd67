import { actionIds, callbackIds, inputIds } from '../actions.ts';
import { input, select, textInput, type View } from '../blocks.ts';
import { short } from '../text.ts';
import { modal } from './modals.ts';

export interface SteerFormView {
  readonly runId: string;
  /** Pieces of work that can be stepped into, with who does them; those under way first. */
  readonly work: readonly { readonly id: string; readonly agent: string | null }[];
}

const DEEDS = [
  { value: 'words', text: 'Tell the agents something' },
  { value: 'retry', text: 'Do it once more' },
  { value: 'skip', text: 'Skip it' },
  { value: 'take_over', text: 'I take it over' },
  { value: 'done', text: 'What I took over is done' },
] as const;
const EVERYTHING = '*';

/** Steps into a run by hand: what, and with which words. */
export function steerForm({ runId, work }: SteerFormView): View {
  const deed = select({
    actionId: actionIds.steerDo,
    placeholder: 'Choose',
    options: DEEDS,
    chosen: 'words',
  });
  const node = select({
    actionId: actionIds.steerNode,
    placeholder: 'Choose',
    options: [
      { value: EVERYTHING, text: 'All of it' },
      ...work.slice(0, 99).map(({ id, agent }) => ({
        value: id,
        text: agent === null ? id : short(`${id} (${agent})`, 75),
      })),
    ],
    chosen: EVERYTHING,
  });
  return modal({
    callbackId: callbackIds.steer,
    title: 'Steer this run',
    submit: 'Do it',
    metadata: runId,
    blocks: [
      input(deed, { blockId: inputIds.deed, label: 'What is to happen?', optional: false }),
      input(node, { blockId: inputIds.node, label: 'To which piece of work?', optional: false }),
      input(textInput({ actionId: actionIds.steerText, multiline: true, max: 2_000 }), {
        blockId: inputIds.words,
        label: 'Words',
        hint: 'What should be different, why it is skipped, or what came of it.',
        optional: true,
      }),
    ],
  });
}

/** The choice that means the whole run. */
export function isEverything(value: string): boolean {
  return value === EVERYTHING;
}
