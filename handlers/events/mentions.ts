import type { App } from '@slack/bolt';
import { z } from 'zod';
import { answerBlocks } from '../../src/slack/builders/answers.ts';
import { teamKey } from '../../src/slack/team.ts';
import type { HandlerDeps } from '../deps.ts';

const bodySchema = z.object({
  team_id: z.string(),
  enterprise_id: z.string().nullish(),
  event: z.object({
    user: z.string().optional(),
    bot_id: z.string().optional(),
    channel: z.string(),
    ts: z.string(),
  }),
});
const keptSchema = z.object({ team: z.string(), user: z.string(), channel: z.string() });

/** Somebody who addresses Baton is never met with silence. Steering by words comes with its own release. */
export function registerMentions(app: App, deps: HandlerDeps): void {
  app.event('app_mention', async ({ body }) => {
    const { event, team_id: teamId, enterprise_id: enterprise } = bodySchema.parse(body);
    if (event.user === undefined || event.bot_id !== undefined) return;
    const team = teamKey(enterprise, teamId);
    await deps.worker.accept(`mention:${team}:${event.channel}:${event.ts}`, 'mention', {
      team,
      user: event.user,
      channel: event.channel,
    });
  });
  deps.worker.handle('mention', async ({ intent, payload }) => {
    const { team, user, channel } = keptSchema.parse(payload);
    const text =
      'I take work by `/orchestrate feature <what you want>`, and answers by the buttons on my messages. `/orchestrate help` lists the rest. I do not read instructions from mentions yet, so nothing was changed.';
    await deps.answers.send({ intent, team, user, channel }, answerBlocks(text, deps.rehearsal));
  });
}
