import { type BareIds, bareProblem } from '../domain/slack-id.ts';
import { invalid } from './problem.ts';
import type { SlackConfig } from './slack.ts';

/**
 * Whose ids those are that `baton.yaml` has without a workspace: with one token they are that workspace's; where others
 * may install, the only one's that is named, and nobody's when there can be several.
 * @param allowed ids of `workspaces:`
 */
export function bareIdsOf(slack: SlackConfig, allowed: readonly string[]): BareIds {
  if (slack.mode !== 'oauth') return 'one';
  const [only] = allowed;
  const isOne = slack.botToken === null && allowed.length === 1 && only?.startsWith('T') === true;
  return isOne ? { of: only } : null;
}

/** The parts of the settings that name people and channels, beside `approvals` and `access`. */
interface Named {
  readonly people: object;
  readonly channels: { readonly escalations?: string | readonly string[] | undefined };
  readonly flags: { readonly channels: object };
  readonly requests: { readonly channels: object };
  readonly subscriptions: readonly { readonly channel: string; readonly by: string }[];
}

/** @throws BatonError `config_invalid` naming each id whose workspace is not told, where there are several */
export function checkWorkspaces(file: Named, where: (keys: readonly string[]) => string): void {
  const named: (readonly [readonly string[], string])[] = [
    ...Object.keys(file.people).map((id) => [['people', id], id] as const),
    ...[file.channels.escalations ?? []].flat().map((id) => [['channels', 'escalations'], id] as const),
    ...Object.keys(file.flags.channels).map((id) => [['flags', 'channels', id], id] as const),
    ...Object.keys(file.requests.channels).map((id) => [['requests', 'channels', id], id] as const),
    ...file.subscriptions.flatMap(({ channel, by }, i) => [
      [['subscriptions', String(i), 'channel'], channel] as const,
      [['subscriptions', String(i), 'by'], by] as const,
    ]),
  ];
  const problems = named.flatMap(([keys, id]) => {
    const problem = bareProblem(id);
    return problem === null ? [] : [`${where(keys)}${keys.join('.')}: ${problem}`];
  });
  if (problems.length > 0) throw invalid(problems.join('\n'));
}
