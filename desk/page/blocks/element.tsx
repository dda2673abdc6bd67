import { ButtonElement, FeedbackElement } from './button.tsx';
import { ChoicesElement } from './choices.tsx';
import type { Naming } from './naming.ts';
import { OverflowElement } from './overflow.tsx';
import { SelectElement } from './select.tsx';
import { TextElement } from './text-input.tsx';
import { UnknownBlock } from './unknown.tsx';
import type { Placed } from './values.ts';

interface Props {
  readonly placed: Placed;
  /** Null outside input blocks: there the element names itself and tells the app of every change. */
  readonly naming?: Naming | null;
  readonly dispatches?: boolean;
}

/** Draws one interactive element, or says that it does not know it. */
export function ElementView({ placed, naming = null, dispatches = naming === null }: Props) {
  switch (placed.element.type) {
    case 'button':
    case 'workflow_button':
    case 'icon_button':
      return <ButtonElement placed={placed} />;
    case 'feedback_buttons':
      return <FeedbackElement placed={placed} />;
    case 'overflow':
      return <OverflowElement placed={placed} />;
    case 'static_select':
    case 'users_select':
    case 'conversations_select':
    case 'channels_select':
    case 'external_select':
      return <SelectElement placed={placed} naming={naming} dispatches={dispatches} />;
    case 'multi_static_select':
    case 'multi_users_select':
    case 'multi_conversations_select':
    case 'multi_channels_select':
    case 'multi_external_select':
    case 'checkboxes':
    case 'radio_buttons':
      return <ChoicesElement placed={placed} naming={naming} dispatches={dispatches} />;
    case 'plain_text_input':
    case 'rich_text_input':
    case 'email_text_input':
    case 'url_text_input':
    case 'number_input':
    case 'datepicker':
    case 'timepicker':
    case 'datetimepicker':
      return <TextElement placed={placed} naming={naming} dispatches={dispatches} />;
    default:
      return <UnknownBlock block={placed.element} kind="element" />;
  }
}
