import type { Delegation, DelegationRefusal } from '../domain/delegation.ts';
import { date, mention, mentions, mk, short } from './text.ts';

const NOTHING = 'Nothing was changed.';

function line({ from, to, until }: Delegation): string {
  return mk`${mention(to)} decides for ${mention(from)} until ${date(until, 'day and time')}`;
}

/** What people read about who decides for whom. */
export const delegationWords = {
  usage:
    'Like this: `/orchestrate delegate @bob until friday`, `… until 2027-01-15 12:00`, `… for 3d`; `/orchestrate delegate off` takes it back, `/orchestrate delegate list` shows who is away. Nothing was changed.',
  made: (made: Delegation, zone: string | null): string =>
    mk`${{ live: line(made) }}${zone === null ? ' (your time zone is not known: taken as UTC)' : ''}. That is for what you may decide yourself; whoever asked for a piece of work still cannot allow it. \`/orchestrate delegate off\` takes it back.`,
  off: (ended: readonly Delegation[]): string =>
    ended.length === 0
      ? `Nobody decides for you. ${NOTHING}`
      : `You decide for yourself again. What was said in your place and is not done yet does not count any more.`,
  list: (standing: readonly Delegation[], self: string): string => {
    if (standing.length === 0)
      return 'Nobody is away. `/orchestrate delegate @bob until friday` names who decides for you.';
    const own = standing.some(({ from }) => from === self);
    return `${standing.slice(0, 30).map(line).join('\n')}${own ? '\n`/orchestrate delegate off` takes yours back.' : ''}`;
  },
  nobody: (who: string): string =>
    mk`There is nobody called ${short(who, 80)} here. ${NOTHING} Write the name as Slack shows it after the @, or the member id.`,
  several: (who: string, ids: readonly string[]): string =>
    mk`${short(who, 80)} could be ${mentions(ids.slice(0, 5), 'or')}. ${NOTHING} Please write the member id (profile, “Copy member ID”).`,
  when: (until: string): string =>
    mk`“${short(until, 80)}” is no time that can be read. ${NOTHING} Try \`friday\`, \`tomorrow 12:00\`, \`2027-01-15\` or \`3d\`.`,
  refused: (refusal: DelegationRefusal, to: string): string => {
    switch (refusal) {
      case 'self':
        return `You cannot stand in for yourself. ${NOTHING}`;
      case 'not_a_person':
        return `Only a person can decide for you. ${NOTHING}`;
      case 'outsider':
        return mk`${mention(to)} is a guest or from another workspace and cannot decide here. ${NOTHING}`;
      case 'no_role':
        return mk`${mention(to)} is not among those who may approve here, so they could not decide for you. ${NOTHING} Please name somebody who may.`;
      case 'own_role':
        return `You are not among those who may approve here, so there is nothing to hand on. ${NOTHING}`;
      case 'past':
        return `That moment has passed. ${NOTHING}`;
      case 'too_long':
        return `At most 60 days at a time. ${NOTHING} For longer, whoever runs Baton names somebody in baton.yaml.`;
      default:
        return refusal satisfies never;
    }
  },
} as const;
