import path from 'node:path';
import { readStartOptions } from '../src/domain/start-options.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
import { startRefusalWords } from '../src/slack/control-words.ts';
import { mk } from '../src/slack/text.ts';
import { answers } from '../src/slack/words.ts';
import type { Command } from './command.ts';
import { OPTIONS, parseOptions } from './options.ts';
import { noteRefusal } from './refused.ts';

/** Requests longer than this belong into a file of the repository. As long as the form allows. */
const REQUEST_MAX = 3_000;

/** "reports" for a path: where it lies on the server's disk is nothing to read in a channel. Addresses stay whole. */
function shortName(location: string): string {
  return path.isAbsolute(location) ? path.basename(location) : location;
}

/** `/orchestrate <workflow> <what you want>`: one command per workflow of the catalogue. */
export function startCommand(workflow: { readonly name: string; readonly description: string }): Command {
  return {
    word: workflow.name,
    starts: workflow.name,
    usage: `${workflow.name} <what you want> [${OPTIONS.map((key) => `${key}:`).join(' ')}]`,
    description: workflow.description,
    async first(call, deps) {
      const { text, values, unknown } = parseOptions(call.rest);
      const read = readStartOptions(values, deps.now());
      if (text === '' || text.length > REQUEST_MAX || unknown.length > 0 || !read.ok) return null;
      const repository = values.get('repo') ?? null;
      const by = await deps.people.decider(call.user, call.team, call.homeTeam);
      if ((await deps.orchestrator.admits(by, repository)) !== null) return null;
      return answers.onIt(shortName(repository ?? deps.defaultRepository));
    },
    async run(call, deps) {
      const { orchestrator, people, rehearsal } = deps;
      const { text, values, unknown } = parseOptions(call.rest);
      if (unknown.length > 0) {
        return answerBlocks(
          mk`\`${unknown.map(({ word }) => word).join(':, ')}:\` is no option here. Did you mean \`${unknown.map(({ meant }) => meant).join(':, ')}:\`? The options are ${OPTIONS.map((key) => `${key}:`).join(' ')}. Nothing was started.`,
          rehearsal,
        );
      }
      const read = readStartOptions(values, call.receivedAt);
      if (!read.ok) return answerBlocks(mk`${read.problem}. Nothing was started.`, rehearsal);
      if (text === '')
        return answerBlocks(
          mk`What should be done? Write \`/orchestrate ${workflow.name} <what you want>\`. Nothing was started.`,
          rehearsal,
        );
      if (text.length > REQUEST_MAX) {
        return answerBlocks(
          mk`That is ${text.length} characters; ${REQUEST_MAX} is the most. Put the details into a file of the repository and name it. Nothing was started.`,
          rehearsal,
        );
      }
      const repository = values.get('repo') ?? null;
      const by = await people.decider(call.user, call.team, call.homeTeam);
      const refusal = await orchestrator.admits(by, repository);
      if (refusal !== null) {
        await noteRefusal(call, workflow.name, refusal, deps);
        return answerBlocks(startRefusalWords(refusal), rehearsal);
      }
      await orchestrator.start({
        intent: call.intent,
        receivedAt: call.receivedAt,
        team: call.team,
        channel: call.channel,
        requester: call.user,
        workflow: workflow.name,
        request: text,
        repository,
        options: read.options,
      });
      return null;
    },
  };
}
