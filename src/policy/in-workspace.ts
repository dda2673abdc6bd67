import type { ApprovalPolicy } from '../domain/approval.ts';
import { idsIn } from '../domain/slack-id.ts';
import type { PolicySettings } from './approval-settings.ts';

/**
 * A policy as it holds in one workspace: of the people, groups and channels written in it, those that are there, by their
 * ids there. Where somebody is named and all of them belong to other workspaces, nobody may decide, rather than anybody.
 * @param team key of the workspace
 */
export function inWorkspace(
  policy: ApprovalPolicy,
  { raised, bareIds }: Pick<PolicySettings, 'raised' | 'bareIds'>,
  team: string,
): ApprovalPolicy {
  const here = (ids: readonly string[]): string[] => idsIn(ids, team, bareIds);
  const [people, groups, deputies] = [
    here(policy.people),
    here(policy.groups),
    here(policy.deputies ?? []),
  ] as const;
  const named = policy.people.length + policy.groups.length > 0;
  const nobody = named && people.length + groups.length === 0;
  return {
    ...policy,
    people,
    groups,
    escalateTo: here(policy.escalateTo),
    ...(policy.deputies === undefined ? {} : { deputies }),
    escalation: {
      ...policy.escalation,
      channel: here(raised.channels)[0] ?? null,
      onCall: here(raised.onCall)[0] ?? null,
    },
    requirements: nobody
      ? [
          ...policy.requirements,
          {
            trigger: 'workflow',
            why: 'nobody of this workspace is named for it',
            anyone: false,
            people: [],
            groups: [],
            count: policy.count,
            deputies,
          },
        ]
      : policy.requirements,
  };
}
