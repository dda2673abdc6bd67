import { z } from 'zod';
import { teamKey } from '../src/slack/team.ts';

const actionBody = z.object({
  team: z.object({ id: z.string(), enterprise_id: z.string().nullish() }).nullish(),
  user: z.object({ id: z.string(), team_id: z.string().optional() }),
  channel: z.object({ id: z.string() }).nullish(),
  container: z.object({ message_ts: z.string().optional() }).loose().nullish(),
  trigger_id: z.string(),
  actions: z
    .array(
      z.object({
        action_id: z.string(),
        action_ts: z.string(),
        value: z.string().optional(),
        selected_option: z.looseObject({ value: z.string() }).nullish(),
      }),
    )
    .min(1),
});

/** A click on a button, or a choice in a select, as it is kept. `value` is opaque: what it may do is looked up when it is handled. */
export const clickSchema = z.object({
  team: z.string(),
  homeTeam: z.string(),
  user: z.string(),
  channel: z.string(),
  action: z.string(),
  value: z.string(),
});
export type Click = z.infer<typeof clickSchema>;

/** The click in an interaction's body, with what makes it the same one when it is delivered again. Null when it is none of ours. */
export function readClick(
  body: unknown,
): { readonly click: Click; readonly intent: string; readonly trigger: string } | null {
  const parsed = actionBody.safeParse(body);
  const action = parsed.data?.actions[0];
  const value = action?.value ?? action?.selected_option?.value;
  if (
    !parsed.success ||
    action === undefined ||
    value === undefined ||
    parsed.data.team === null ||
    parsed.data.team === undefined
  )
    return null;
  const { team, user, channel, trigger_id: trigger } = parsed.data;
  const key = teamKey(team.enterprise_id, team.id);
  const click: Click = {
    team: key,
    homeTeam: team.id,
    user: user.id,
    channel: channel?.id ?? '',
    action: action.action_id,
    value,
  };
  return {
    click,
    trigger,
    intent: `click:${key}:${user.id}:${action.action_ts}:${action.action_id}:${value}`,
  };
}
