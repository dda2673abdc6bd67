import { z } from 'zod';
import { teamKey } from '../../src/slack/team.ts';

const bodySchema = z.object({
  team: z.object({ id: z.string(), enterprise_id: z.string().nullish() }),
  user: z.object({ id: z.string() }),
  view: z.object({
    id: z.string(),
    hash: z.string(),
    callback_id: z.string(),
    private_metadata: z.string(),
    state: z.object({
      values: z.record(
        z.string(),
        z.record(
          z.string(),
          z.looseObject({
            value: z.string().nullish(),
            selected_option: z.looseObject({ value: z.string() }).nullish(),
            selected_options: z.array(z.looseObject({ value: z.string() })).nullish(),
          }),
        ),
      ),
    }),
  }),
});
export type Form = z.infer<typeof bodySchema>;

/** A submitted form. @throws ZodError when it is none */
export function readForm(body: unknown): Form {
  return bodySchema.parse(body);
}

/** Who submitted it, and what makes it the same submission when it is delivered again. */
export function where(form: Form): {
  readonly team: string;
  readonly homeTeam: string;
  readonly intent: string;
} {
  const team = teamKey(form.team.enterprise_id, form.team.id);
  return {
    team,
    homeTeam: form.team.id,
    intent: `view:${team}:${form.user.id}:${form.view.id}:${form.view.hash}`,
  };
}

/** What was typed, without the space around it; null when there is nothing. */
export function textOf(form: Form, block: string, action: string): string | null {
  const text = form.view.state.values[block]?.[action]?.value?.trim() ?? '';
  return text === '' ? null : text;
}
