import { type Json, jsonSchema } from '../src/domain/json.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
import { controlWords } from '../src/slack/control-words.ts';
import { mk } from '../src/slack/text.ts';
import { answers } from '../src/slack/words.ts';
import type { Command } from './command.ts';
import { noteRefusal } from './refused.ts';

/** A signal says go on; what is longer belongs into a file of the repository. */
const PAYLOAD_MAX = 3_000;

/** JSON as it is; anything else is a text. */
function payloadOf(text: string): Json {
  if (text === '') return null;
  try {
    return jsonSchema.parse(JSON.parse(text));
  } catch {
    return text;
  }
}

/** Sends a run what its `wait` waits for. */
export const signal: Command = {
  word: 'signal',
  usage: 'signal <id> <name> [JSON or words]',
  description: 'Sends a run the signal that it waits for',
  async run(call, deps) {
    const { signals, queries, rehearsal } = deps;
    const say = (words: string) => answerBlocks(words, rehearsal);
    const [, id = '', name = '', rest = ''] = /^(\S+)\s+(\S+)\s*([\s\S]*)$/.exec(call.rest) ?? [];
    if (name === '')
      return say(
        'Write `/orchestrate signal <id> <name>`, and after it JSON or words if you like. Nothing was sent.',
      );
    if (rest.length > PAYLOAD_MAX)
      return say(mk`That is ${rest.length} characters; ${PAYLOAD_MAX} is the most. Nothing was sent.`);
    const run = await queries.find(call, id);
    if (run === null) return say(answers.runGone);
    const done = await signals.send({
      runId: run.view.runId,
      name,
      payload: payloadOf(rest),
      by: call.user,
      intent: call.intent,
    });
    if (done === 'done') return say(mk`Sent: \`${name}\`.`);
    await noteRefusal(call, 'signal', typeof done === 'string' ? done : 'no_wait', deps);
    if (typeof done === 'string') return say(controlWords('stop', done, run.session.requester));
    return say(
      done.no_wait.length === 0
        ? 'That run waits for no signal. Nothing was sent.'
        : mk`That run waits for no signal \`${name}\`, but for ${done.no_wait.join(', ')}. Nothing was sent.`,
    );
  },
};
