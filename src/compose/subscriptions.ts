import { z } from 'zod';
import type { EventSettings } from '../config/config.ts';
import { type EventTypes, eventTypes } from '../domain/bus-event.ts';
import { BatonError } from '../domain/failure.ts';
import { type Subscription, subscriptionsOf } from '../domain/subscription.ts';
import { repositoryAllowed } from '../policy/repositories.ts';
import { compileRule } from '../rules/rule.ts';
import { suggestion } from '../workflows/nearest.ts';

export interface CheckedEvents {
  readonly types: EventTypes;
  readonly subscriptions: readonly Subscription[];
}

/**
 * The events of the settings, and who subscribes to them.
 * @throws BatonError `config_invalid` with every problem: an event or workflow that is not there, a rule that cannot
 *   be read, two of one name
 */
export function checkedEvents(
  settings: EventSettings,
  workflows: readonly string[],
  repositories: readonly string[] | null,
): CheckedEvents {
  const types = eventTypes(settings.declared);
  const subscriptions = subscriptionsOf(settings.subscriptions);
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const [index, one] of subscriptions.entries()) {
    const say = (key: string, message: string): void => {
      problems.push(`subscriptions.${index}.${key}: ${message}`);
    };
    for (const name of one.on)
      if (!types.has(name)) say('on', `There is no event "${name}". ${suggestion(name, [...types.keys()])}`);
    if (one.workflow !== undefined && !workflows.includes(one.workflow))
      say('workflow', `There is no workflow "${one.workflow}". ${suggestion(one.workflow, workflows)}`);
    const rule = one.where === null ? null : compileRule(one.where);
    if (rule?.ok === false) say('where', `${rule.message} (column ${rule.column} of the rule)`);
    if (one.repo !== undefined && repositories !== null && !repositoryAllowed(one.repo, repositories))
      say('repo', `Baton may not work in ${one.repo}; \`repositories:\` allows it.`);
    if (seen.has(one.id)) say('name', `Two subscriptions are called "${one.id.slice(4)}". Name one of them.`);
    seen.add(one.id);
  }
  if (problems.length > 0)
    throw new BatonError({
      class: 'terminal',
      code: 'config_invalid',
      message: problems.join('\n'),
      hint: 'Correct baton.yaml. Nothing was started.',
    });
  return { types, subscriptions };
}

const slackError = z.object({ data: z.object({ error: z.string() }) });

/** Whether Slack says that there is nobody of this id: no reason to ask again. */
export function isNobody(error: unknown): boolean {
  const said = slackError.safeParse(error);
  return said.success && ['user_not_found', 'user_not_visible'].includes(said.data.data.error);
}
