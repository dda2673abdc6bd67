import type { InputHTMLAttributes, KeyboardEvent } from 'react';
import { useForm } from './form.tsx';
import type { Naming } from './naming.ts';
import { type Element, plain } from './schema.ts';
import type { Placed } from './values.ts';

interface Props {
  readonly placed: Placed;
  readonly naming: Naming | null;
  readonly dispatches: boolean;
}

/** Everything one writes: text, email, address, number, date, time. Rich text is written plain. */
export function TextElement({ placed, naming, dispatches }: Props) {
  const form = useForm();
  const { element } = placed;
  const entry = form.entryOf(placed);
  const text = entry.kind === 'text' ? entry.text : '';
  const isPicker = pickerType(element.type) !== null;
  const triggers = element.dispatch_action_config?.trigger_actions_on ?? ['on_enter_pressed'];

  const onText = (value: string) => {
    const next = { kind: 'text', text: value } as const;
    if (dispatches && (isPicker || triggers.includes('on_character_entered'))) form.choose(placed, next);
    else form.set(placed, next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (
      event.key !== 'Enter' ||
      event.shiftKey ||
      isPicker ||
      !dispatches ||
      !triggers.includes('on_enter_pressed')
    )
      return;
    event.preventDefault();
    form.choose(placed, { kind: 'text', text });
  };

  const common = {
    id: naming?.id,
    className: 'field',
    'aria-label': naming === null ? plain(element.placeholder) || element.type : undefined,
    'aria-describedby': naming?.describedBy,
    'aria-invalid': naming?.invalid === true ? true : undefined,
    'aria-required': naming?.required,
    placeholder: plain(element.placeholder),
    value: text,
    maxLength: element.max_length,
    onKeyDown,
  };
  if (element.multiline === true || element.type === 'rich_text_input') {
    return <textarea {...common} rows={4} onChange={(event) => onText(event.target.value)} />;
  }
  return <input {...common} {...inputType(element)} onChange={(event) => onText(event.target.value)} />;
}

function pickerType(type: string): 'date' | 'time' | 'datetime-local' | null {
  switch (type) {
    case 'datepicker':
      return 'date';
    case 'timepicker':
      return 'time';
    case 'datetimepicker':
      return 'datetime-local';
    default:
      return null;
  }
}

function inputType(element: Element): InputHTMLAttributes<HTMLInputElement> {
  const picker = pickerType(element.type);
  if (picker !== null) return { type: picker };
  switch (element.type) {
    case 'email_text_input':
      return { type: 'email' };
    case 'url_text_input':
      return { type: 'url' };
    case 'number_input':
      return { type: 'text', inputMode: element.is_decimal_allowed === true ? 'decimal' : 'numeric' };
    default:
      return { type: 'text' };
  }
}
