import type { App } from '@slack/bolt';
import { z } from 'zod';
import { teamKey } from '../../src/slack/team.ts';
import type { HandlerDeps } from '../deps.ts';

const bodySchema = z.object({
  team_id: z.string(),
  enterprise_id: z.string().nullish(),
  event_id: z.string(),
  event: z.object({ user: z.string(), tab: z.string().default('home') }),
});
const keptSchema = z.object({ team: z.string(), user: z.string() });

/** Somebody looks at their App Home: it is drawn now, and kept up to date from here on. */
export function registerHome(app: App, deps: HandlerDeps): void {
  app.event('app_home_opened', async ({ body }) => {
    const { event, event_id: id, team_id: teamId, enterprise_id: enterprise } = bodySchema.parse(body);
    if (event.tab !== 'home') return;
    const team = teamKey(enterprise, teamId);
    await deps.worker.accept(`home:${team}:${id}`, 'home', { team, user: event.user });
  });
  deps.worker.handle('home', async ({ payload }) => {
    const { team, user } = keptSchema.parse(payload);
    await deps.homes.open(team, user);
  });
}
