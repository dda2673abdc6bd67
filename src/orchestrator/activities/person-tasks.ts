import { createHash, randomUUID } from 'node:crypto';
import { BatonError } from '../../domain/failure.ts';
import type { PeopleSettings } from '../../domain/person-task.ts';
import { leastBusy, skilled } from '../../domain/person-task-rules.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import type { Directory } from '../../ports/directory.ts';
import { expirePersonTask, holdPersonTask, loadOf, openPersonTask } from '../../ports/person-tasks.ts';
import type { Store } from '../../ports/store.ts';
import { resumedSince } from '../resumed.ts';
import type { WorkspaceRegistry } from '../workspace-registry.ts';

export interface PersonTaskDeps {
  readonly store: Pick<Store, 'personTasks' | 'decisions'>;
  readonly registry: Pick<WorkspaceRegistry, 'input'>;
  readonly directory: Pick<Directory, 'members'>;
  /** Of a workspace, by their ids there. */
  readonly people: (team: string) => PeopleSettings;
  /** Of ids as they are written, those of a workspace. */
  readonly here: (written: readonly string[], team: string) => readonly string[];
}

/** Asking a person to do something, and letting the clock end it. */
export function personTaskActivities({
  store,
  registry,
  directory,
  people: peopleOf,
  here,
}: PersonTaskDeps): Activity[] {
  const { personTasks, decisions } = store;
  return [
    implement(openPersonTask, async (input, { runId, key, idempotencyKey, signal }) => {
      const { team, requester } = await registry.input(runId);
      const id = `tsk_${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 20)}`;
      const known = await personTasks.byId(id);
      if (known !== null) return { taskId: id, assignee: known.assignee };
      const people = peopleOf(team);
      const able = input.skill === null ? [] : skilled(people, input.skill);
      const named = [...new Set([...here(input.people, team), ...able])];
      const groups = [...here(input.groups, team)];
      const members = await Promise.all(groups.map((group) => directory.members(group, team, false)));
      const candidates = [...new Set([...named, ...members.flat()])];
      const load = loadOf(await personTasks.openIn(team));
      const chosen = leastBusy(candidates, load, people);
      // Given up while groups were read: nobody is asked for what nobody waits for.
      signal.throwIfAborted();
      const stored = await personTasks.open({
        id,
        nonce: randomUUID(),
        runId,
        key,
        node: input.node,
        team,
        requester,
        task: input.task,
        about: input.about,
        fields: input.fields,
        // Nobody is known who could: whoever asked for the work sees to it, and hands it over or not.
        people: chosen === null ? [requester] : named,
        groups,
        assignee: chosen ?? requester,
        because: because(input, candidates.length, load.get(chosen ?? requester) ?? 0),
        onTimeout: input.onTimeout,
        askedAt: input.at,
        dueAt: input.withinMs === null ? null : input.at + input.withinMs,
      });
      return { taskId: stored.id, assignee: stored.assignee };
    }),

    implement(expirePersonTask, async ({ taskId, at }) => ({
      expired: await personTasks.expire(taskId, at),
    })),

    implement(holdPersonTask, async ({ taskId }, { runId }) => {
      const task = await personTasks.byId(taskId);
      if (await resumedSince(decisions, runId, task?.endedAt ?? 0)) return {};
      throw new BatonError({
        class: 'needs_person',
        code: 'person_timeout',
        message: `Nobody did "${task?.node ?? 'it'}" in time`,
        hint: 'The work is kept as it is. Press Retry when somebody has the time: it is asked anew.',
      });
    }),
  ];
}

/** Why it is theirs, in a few words for people. */
function because(
  { skill, people, groups }: { skill: string | null; people: string[]; groups: string[] },
  candidates: number,
  open: number,
): string {
  const what =
    skill === null
      ? 'may do it'
      : people.length + groups.length === 0
        ? `can do ${skill}`
        : `may do it or can do ${skill}`;
  if (candidates === 0)
    return skill === null && people.length + groups.length === 0
      ? 'asked for the work'
      : `asked for the work, and nobody is known who ${what}`;
  if (candidates === 1) return `the only one who ${what}`;
  return `least to do (${open} open) of ${candidates} who ${what}`;
}
