import type { WebClient } from '@slack/web-api';
import { z } from 'zod';
import type { Answers, AnswerTo } from './answers.ts';
import type { View } from './blocks.ts';
import { answerBlocks } from './builders/answers.ts';
import { answers as words } from './words.ts';

export interface FormDoor {
  /** The client for what has to be quick. */
  readonly views: (team: string) => WebClient;
  readonly answers: Answers;
  readonly rehearsal: boolean;
  /**
   * Why somebody may not even look, in words, which the audit has then; null when they may. Absent: what is submitted is
   * judged by rules of its own.
   */
  readonly gate?: (team: string, user: string, channel: string) => Promise<string | null>;
}

const slackError = z.object({ data: z.object({ error: z.string() }) });

/**
 * Opens a form, for which Slack gives three seconds. When that fails the person is told; a click delivered twice
 * opened its form the first time, and its spent trigger is nothing to speak of.
 */
export async function openOrSay(
  door: FormDoor,
  to: Omit<AnswerTo, 'intent'> & { readonly trigger: string },
  view: View,
): Promise<void> {
  const { trigger, ...place } = to;
  const refused = (await door.gate?.(place.team, place.user, place.channel)) ?? null;
  if (refused !== null) {
    await door.answers.send({ ...place, intent: `form:${trigger}` }, answerBlocks(refused, door.rehearsal));
    return;
  }
  try {
    await door.views(place.team).apiCall('views.open', { trigger_id: trigger, view: JSON.stringify(view) });
  } catch (error) {
    const code = slackError.safeParse(error).data?.data.error;
    if (code === 'exchanged_trigger_id') return;
    await door.answers.send(
      { ...place, intent: `form:${trigger}` },
      answerBlocks(words.formLate, door.rehearsal),
    );
  }
}
