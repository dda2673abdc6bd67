import type { Message } from '../../../desk/contract.ts';
import { type Desk, hasButton } from './desk.ts';

export const REQUEST = 'feature Add CSV export';

/** The plan's card in the channel. */
export function planCard(desk: Desk): Promise<Message> {
  return desk.message('alice', 'The plan', (message) => hasButton(message, 'plan_start'));
}

/** An approval that is open, other than those seen before. */
export function approvalCard(desk: Desk, seen: readonly Message[] = []): Promise<Message> {
  return desk.message(
    'alice',
    'An approval',
    (message) => hasButton(message, 'approval_approve') && seen.every(({ ts }) => ts !== message.ts),
  );
}

/** The epic at its good end. */
export function goodEnd(desk: Desk, epic: Message): Promise<Message> {
  return desk.message(
    'alice',
    'The end of the epic',
    ({ ts, text }) => ts === epic.ts && text.startsWith('✅') && text.includes('done in'),
  );
}

/** What was said in the epic's thread, once the result was told: a channel takes one post a second, so it comes after the end. */
export async function thread(desk: Desk, epic: Message): Promise<string[]> {
  await desk.message(
    'alice',
    'The result in the thread',
    ({ threadTs, ts, text }) => threadTs === epic.ts && ts !== epic.ts && text.includes('The work is on'),
  );
  const { messages } = await desk.snapshot('alice');
  return messages
    .filter((message) => message.threadTs === epic.ts && message.ts !== epic.ts)
    .map(({ text }) => text);
}

/** The whole job by way of the page's API: command, Start, Approve. */
export async function wholeJob(desk: Desk): Promise<{ readonly epic: Message; readonly end: Message }> {
  const asked = await desk.orchestrate('alice', REQUEST);
  if (!asked.ok) throw new Error(`The command was not taken: ${asked.error}`);
  const epic = await planCard(desk);
  await desk.click('alice', epic, 'plan_start');
  await desk.click('alice', await approvalCard(desk), 'approval_approve');
  return { epic, end: await goodEnd(desk, epic) };
}

/** The branch a message names. @throws Error when it names none */
export function branchIn(text: string): string {
  const found = /baton\/[\w-]+/.exec(text)?.[0];
  if (found === undefined) throw new Error(`No branch in: ${text}`);
  return found;
}
