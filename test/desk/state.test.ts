import { describe, expect, it } from 'vitest';
import { isFilled, stateValues } from '../../desk/server/interactions/state.ts';

const input = (block_id: string, element: object) => ({ type: 'input', block_id, element });
const option = { text: { type: 'plain_text', text: 'A' }, value: 'a' };

const BLOCKS = [
  input('title', { type: 'plain_text_input', action_id: 'x', initial_value: 'Draft' }),
  input('kind', { type: 'static_select', action_id: 'x', initial_option: option }),
  input('who', { type: 'multi_users_select', action_id: 'x' }),
  { type: 'section', block_id: 'day', accessory: { type: 'datepicker', action_id: 'x' } },
  { type: 'actions', block_id: 'go', elements: [{ type: 'button', action_id: 'x' }] },
];

describe('state.values', () => {
  it('has an entry for every input, with its initial value or empty', () => {
    expect(stateValues(BLOCKS, undefined)).toEqual({
      title: { x: { type: 'plain_text_input', value: 'Draft' } },
      kind: { x: { type: 'static_select', selected_option: option } },
      who: { x: { type: 'multi_users_select', selected_users: [] } },
      day: { x: { type: 'datepicker', selected_date: null } },
    });
  });

  it('takes what the person entered, also that they emptied a field, and nothing that is not there', () => {
    const values = stateValues(BLOCKS, {
      values: {
        title: { x: { type: 'plain_text_input', value: null } },
        day: { x: { selected_date: '2026-01-05' }, other: { value: 'forged' } },
        ghost: { x: { value: 'forged' } },
      },
    });
    expect(values['title']).toEqual({ x: { type: 'plain_text_input', value: null } });
    expect(values['day']).toEqual({ x: { type: 'datepicker', selected_date: '2026-01-05' } });
    expect(values).not.toHaveProperty('ghost');
  });

  it.each([
    [{ type: 'plain_text_input', value: '' }, false],
    [{ type: 'plain_text_input', value: 'x' }, true],
    [{ type: 'multi_users_select', selected_users: [] }, false],
    [{ type: 'checkboxes', selected_options: [option] }, true],
    [undefined, false],
  ])('knows whether %j is filled in', (entry, filled) => {
    expect(isFilled(entry)).toBe(filled);
  });
});
