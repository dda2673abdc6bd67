import { createServer } from 'node:http';
import { WebClient } from '@slack/web-api';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { refusals } from '../../src/domain/approval.ts';
import { answerBlocks } from '../../src/slack/builders/answers.ts';
import { People } from '../../src/slack/people.ts';
import { validateMessage } from '../../src/slack/validate.ts';
import { answers, refusalWords } from '../../src/slack/words.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { approvalOf } from './samples.ts';

const alone = approvalOf({ text: 'It', n: 0, alice: 'U0ALICE', bob: 'U0BOB' });
/** Only somebody of a user group may decide, and two have to. */
const asked = {
  ...alone,
  policy: { ...alone.policy, people: [], groups: ['S0RELEASERS'], count: 2, escalateTo: [] },
};
const handles = new Map([['S0RELEASERS', 'releasers']]);

describe('a user group in a sentence to one person', () => {
  test('is named by its handle, calls nobody, and passes what Slack checks', () => {
    const said = [
      ...refusals.map((refusal) => refusalWords(refusal, asked, handles)),
      answers.decided(asked, handles),
    ];
    for (const text of said) {
      expect(validateMessage(answerBlocks(text))).toEqual([]);
      expect(text).not.toContain('<!subteam');
    }
    expect(refusalWords('not_eligible', asked, handles)).toContain('Only @releasers can decide this');
    expect(refusalWords('guest', asked, handles)).toContain('You can ask @releasers.');
    expect(answers.decided(asked, handles)).toContain('2 more of @releasers');
  });

  test('is named by its id where Slack does not say what it is called', () => {
    const text = refusalWords('not_eligible', asked);
    expect(text).toContain('Only the user group S0RELEASERS can decide this');
    expect(validateMessage(answerBlocks(text))).toEqual([]);
  });
});

describe('what groups are called', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });
  async function peopleOf(answer: object) {
    const asking = { times: 0 };
    const server = createServer((_request, response) => {
      asking.times += 1;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const options = { slackApiUrl: `http://127.0.0.1:${port}/`, retryConfig: { retries: 0 } };
    return { people: new People(() => new WebClient('xoxb-x', options), new VirtualClock()), asking };
  }

  test('is asked once, and only where there is one', async () => {
    const { people, asking } = await peopleOf({
      ok: true,
      usergroups: [{ id: 'S0RELEASERS', handle: 'releasers' }],
    });
    expect(await people.handles([], 'T1')).toEqual(new Map());
    expect(asking.times).toBe(0);
    expect(await people.handles(['S0RELEASERS'], 'T1')).toEqual(handles);
    expect(await people.handles(['S0RELEASERS'], 'T1')).toEqual(handles);
    expect(asking.times).toBe(1);
  });

  test('is nothing where Slack does not say: an answer must not fail for a name', async () => {
    const { people } = await peopleOf({ ok: false, error: 'missing_scope' });
    expect(await people.handles(['S0RELEASERS'], 'T1')).toEqual(new Map());
  });
});
