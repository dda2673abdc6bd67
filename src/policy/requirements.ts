import type { ApprovalPolicy, Requirement, TimeoutAction } from '../domain/approval.ts';
import { durationMs } from '../domain/duration.ts';
import { moreUrgent } from '../domain/escalation.ts';
import type { ChangedFile } from '../ports/workspace.ts';
import type { PolicySettings, Trigger } from './approval-settings.ts';
import { type Owners, ownersOf } from './code-owners.ts';
import { apiBreaks } from './triggers/breaking-api.ts';
import type { Finding } from './triggers/change.ts';
import { deployOf, riskOf } from './triggers/commands.ts';
import { schemaChanges } from './triggers/ddl.ts';
import { newDependencies } from './triggers/dependencies.ts';
import { architectureChanges, touching } from './triggers/paths.ts';

/** A trigger that applies, with what it found. */
export interface Match {
  readonly trigger: Trigger;
  readonly findings: readonly Finding[];
}

/** What the settings want asked about these changes. All that match apply. */
export function matchChanges(settings: PolicySettings, files: readonly ChangedFile[]): Match[] {
  return matching(settings, (trigger) => {
    switch (trigger.when) {
      case 'breaking_api':
        return apiBreaks(files);
      case 'schema_change':
        return schemaChanges(files);
      case 'architecture':
        return architectureChanges(files, trigger.patterns);
      case 'new_dependency':
        return newDependencies(files);
      case 'files':
        return touching(files, trigger.patterns);
      case 'deploy':
      case 'risky_command':
      case 'cost':
      case 'rollback':
      case 'hand_over':
        return [];
      default:
        return trigger.when satisfies never;
    }
  });
}

/** What the settings want asked about a command. */
export function matchCommand(settings: PolicySettings, argv: readonly string[]): Match[] {
  return matching(settings, ({ when, patterns }) => {
    const why =
      when === 'deploy' ? deployOf(argv, patterns) : when === 'risky_command' ? riskOf(argv, patterns) : null;
    return why === null ? [] : [{ path: '', why }];
  });
}

/** What the settings want asked before work may cost this much. */
export function matchCost(settings: PolicySettings, costUsd: number): Match[] {
  return matching(settings, ({ when, above }) =>
    when === 'cost' && above !== undefined && costUsd > above
      ? [{ path: '', why: `it may then cost more than $${above}` }]
      : [],
  );
}

/** What the settings want asked about going back to an earlier state. */
export function matchRollback(settings: PolicySettings): Match[] {
  return matching(settings, ({ when }) =>
    when === 'rollback' ? [{ path: '', why: 'it throws away what was done since' }] : [],
  );
}

/** What the settings want asked about a branch that leaves this machine. */
export function matchHandOver(settings: PolicySettings): Match[] {
  return matching(settings, ({ when }) =>
    when === 'hand_over' ? [{ path: '', why: 'it leaves this machine' }] : [],
  );
}

function matching({ triggers }: PolicySettings, look: (trigger: Trigger) => readonly Finding[]): Match[] {
  return triggers.flatMap((trigger) => {
    const findings = look(trigger);
    return findings.length === 0 ? [] : [{ trigger, findings }];
  });
}

/** In words for the card: what it is about, and where it was seen first. */
export function whyOf({ trigger, findings }: Match): string {
  const [first] = findings;
  const where = first === undefined ? '' : first.path === '' ? first.why : `${first.path}: ${first.why}`;
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : '';
  return `${TITLES[trigger.when]}: ${where}${more}`;
}

const TITLES: Readonly<Record<Trigger['when'], string>> = {
  breaking_api: 'breaks an API',
  schema_change: 'changes the database’s shape',
  deploy: 'deploys',
  architecture: 'changes the architecture',
  cost: 'costs',
  risky_command: 'is risky',
  new_dependency: 'brings a dependency',
  files: 'touches guarded files',
  rollback: 'goes back',
  hand_over: 'is handed over',
};

/** Timeouts from the mildest to the strictest; of several, the strictest holds. None of them does the thing. */
const STRICTNESS: readonly TimeoutAction[] = ['skip', 'pause', 'stop'];

/**
 * All that matched, on top of what is asked anyway: every requirement has to be met, and of deadlines the shortest
 * holds.
 * @param owners null when the repository has no CODEOWNERS
 * @param here of ids as they are written, those of the workspace it is asked in; as they are unless given
 */
export function addUp(
  base: ApprovalPolicy,
  settings: PolicySettings,
  matches: readonly Match[],
  owners: Owners | null,
  here: Here = (written) => written,
): ApprovalPolicy {
  let policy = base;
  for (const match of matches) {
    const { trigger } = match;
    const asked = requirementsOf(match, settings, owners, here);
    const ms = (own: string | undefined, before: number): number =>
      own === undefined ? before : Math.min(durationMs(own), before);
    policy = {
      ...policy,
      fourEyes: policy.fourEyes || trigger.four_eyes === true,
      requirements: [...policy.requirements, ...asked.requirements],
      remindAfterMs: ms(trigger.remind_after, policy.remindAfterMs),
      escalateAfterMs: ms(trigger.escalate_after, policy.escalateAfterMs),
      expireAfterMs: ms(trigger.expire_after, policy.expireAfterMs),
      executeWithinMs: ms(trigger.execute_within, policy.executeWithinMs),
      escalateTo: [...new Set([...here(trigger.escalate_to ?? []), ...policy.escalateTo])],
      escalation: {
        ...policy.escalation,
        urgency: moreUrgent(policy.escalation.urgency, trigger.urgency ?? 'low'),
      },
      onTimeout: stricter(policy.onTimeout, trigger.on_timeout ?? policy.onTimeout),
      environment: trigger.environment ?? policy.environment,
      problem: policy.problem ?? asked.problem,
    };
  }
  return policy;
}

function stricter(a: TimeoutAction, b: TimeoutAction): TimeoutAction {
  return STRICTNESS.indexOf(a) >= STRICTNESS.indexOf(b) ? a : b;
}

type Here = (written: readonly string[]) => readonly string[];

/** One for the people named; with code owners, one per set of owners of what was found. */
function requirementsOf(
  match: Match,
  settings: PolicySettings,
  owners: Owners | null,
  here: Here,
): { readonly requirements: readonly Requirement[]; readonly problem: string | null } {
  const { trigger, findings } = match;
  const { people, groups, count, code_owners: byOwners } = trigger;
  const why = whyOf(match);
  const named: Requirement = {
    trigger: trigger.when,
    why,
    anyone: people.length === 0 && groups.length === 0,
    people: [...here(people)],
    groups: [...here(groups)],
    count,
    ...(trigger.escalate_to === undefined ? {} : { deputies: [...here(trigger.escalate_to)] }),
  };
  if (!byOwners) return { requirements: [named], problem: null };
  if (owners === null)
    return { requirements: [], problem: 'the repository has no CODEOWNERS, and the policy asks its owners' };
  if (!owners.ok) return { requirements: [], problem: owners.problem };
  const sets = new Map<string, Requirement>();
  for (const { path } of findings) {
    const names = ownersOf(owners.rules, path);
    const ids = here(names.flatMap((name) => settings.owners.get(name) ?? []));
    const key = [...names].sort().join(' ');
    const told = names.length === 0 ? `nobody owns ${path}` : `owned by ${names.join(', ')}`;
    // Owners whom the settings do not know in Slack are nobody: nobody passes, and the card says whose it is.
    sets.set(key, {
      trigger: trigger.when,
      why: `${why}; ${told}`,
      anyone: false,
      people: ids.filter((id) => !id.startsWith('S')),
      groups: ids.filter((id) => id.startsWith('S')),
      count,
    });
  }
  const others = named.anyone ? [] : [named];
  return { requirements: [...others, ...sets.values()], problem: null };
}
