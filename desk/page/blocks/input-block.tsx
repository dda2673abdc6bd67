import { useId } from 'react';
import { PlainText } from '../components/mrkdwn.tsx';
import { ElementView } from './element.tsx';
import { useForm } from './form.tsx';
import { type InputBlock, inputSchema } from './schema.ts';

/** Groups name themselves; a `label for` works only on real inputs. */
const GROUPS = new Set([
  'checkboxes',
  'radio_buttons',
  'multi_static_select',
  'multi_users_select',
  'multi_conversations_select',
  'multi_channels_select',
  'multi_external_select',
]);

/** An input with its label, its hint, and what was wrong with it. */
export function InputBlockView({
  block,
  blockId,
}: {
  readonly block: Record<string, unknown>;
  readonly blockId: string;
}) {
  const input = inputSchema.parse(block);
  const form = useForm();
  const id = useId();
  const error = form.errors[blockId];
  const describedBy = [input.hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`]
    .join(' ')
    .trim();
  return (
    <div className={`input-block${error === undefined ? '' : ' input-wrong'}`} data-block-id={blockId}>
      <Label input={input} id={id} />
      <ElementView
        placed={{ blockId, element: input.element }}
        naming={{
          id,
          label: input.label.text,
          describedBy: describedBy === '' ? undefined : describedBy,
          invalid: error !== undefined,
          required: input.optional !== true,
        }}
        dispatches={input.dispatch_action === true}
      />
      {error !== undefined && (
        <p className="problem" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
      {input.hint !== undefined && (
        <p className="input-hint" id={`${id}-hint`}>
          <PlainText text={input.hint.text} />
        </p>
      )}
    </div>
  );
}

function Label({ input, id }: { readonly input: InputBlock; readonly id: string }) {
  const words = <PlainText text={input.label.text} />;
  const note = input.optional === true ? <span className="input-optional"> (optional)</span> : null;
  return GROUPS.has(input.element.type) ? (
    <span className="input-label" aria-hidden="true">
      {words}
      {note}
    </span>
  ) : (
    <label className="input-label" htmlFor={id}>
      {words}
      {note}
    </label>
  );
}
