import { LLMock } from '@copilotkit/aimock';
import { afterEach, describe, expect, it } from 'vitest';
import { createModelClient, type ModelClient } from '../../src/agents/model/model-client.ts';
import type { ModelRequest } from '../../src/agents/transcript.ts';
import { toFailure } from '../../src/domain/failure.ts';
import type { Clock } from '../../src/ports/clock.ts';
import {
  type Answer,
  type Api,
  type Asked,
  apis,
  type ModelServer,
  startModelServer,
  turnEvents,
  withoutEnd,
} from './model-server.ts';
import { realClock } from './support.ts';

const request: ModelRequest = {
  model: 'big-1',
  messages: [
    { role: 'system', text: 'Role: backend' },
    { role: 'user', text: 'Node: build' },
    {
      role: 'assistant',
      text: 'I look.',
      toolCalls: [{ id: 'call-a', name: 'list', arguments: '{"under":null}' }],
    },
    { role: 'tool', callId: 'call-a', name: 'list', text: 'src/a.js' },
  ],
  tools: [
    {
      name: 'list',
      description: 'Lists.',
      parameters: { type: 'object', properties: {}, required: [], additionalProperties: false },
    },
  ],
  toolChoice: 'auto',
  format: {
    name: 'work_result',
    schema: { type: 'object', properties: {}, required: [], additionalProperties: false },
  },
  maxOutputTokens: 500,
};
const signal = (): AbortSignal => new AbortController().signal;

describe.each(apis)('a model client over %s', (api: Api) => {
  const cleanup: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const undo of cleanup.splice(0)) await undo();
  });

  async function serve(
    answer: (asked: Asked, count: number) => Answer,
    clock: Clock = realClock,
  ): Promise<{ server: ModelServer; client: ModelClient }> {
    const server = await startModelServer(answer);
    cleanup.push(() => server.close());
    return {
      server,
      client: createModelClient({
        api,
        apiKey: 'key-1',
        baseUrl: server.url,
        model: 'big-1',
        clock,
        idleMs: 5_000,
      }),
    };
  }
  async function failureOf(answer: Answer | ((asked: Asked, count: number) => Answer)): Promise<{
    code: string;
    class: string;
    retryAfterMs?: number | undefined;
    message: string;
    asked: number;
  }> {
    const { server, client } = await serve(typeof answer === 'function' ? answer : () => answer);
    const error = await client.complete(request, signal()).then(() => null, toFailure);
    if (error === null) throw new Error('it did not fail');
    return { ...error, asked: server.asked.length };
  }

  it('reads text and usage', async () => {
    const { client } = await serve(() => ({ events: turnEvents(api, { text: 'Hello wörld' }) }));
    expect(await client.complete(request, signal())).toEqual({
      text: 'Hello wörld',
      toolCalls: [],
      finish: 'stop',
      tokens: { input: 100, cached: 40, output: 10, reasoning: 3 },
      dropped: [],
    });
  });

  it('joins tool calls that come in pieces', async () => {
    const calls = [
      { id: 'c1', name: 'read', args: { path: 'a.js' } },
      { id: 'c2', name: 'write', args: { path: 'b.js', content: 'x'.repeat(50) } },
    ];
    const { client } = await serve(() => ({ events: turnEvents(api, { text: 'Both.', calls }) }));
    const reply = await client.complete(request, signal());
    expect(reply.finish).toBe('tool_calls');
    expect(reply.text).toBe('Both.');
    expect(reply.toolCalls).toEqual(
      calls.map(({ id, name, args }) => ({ id, name, arguments: JSON.stringify(args) })),
    );
  });

  it('sends the whole transcript every time, streamed and stored nowhere', async () => {
    const { server, client } = await serve(() => ({ events: turnEvents(api, { text: 'x' }) }));
    await client.complete(request, signal());
    const [asked] = server.asked;
    expect(asked?.headers.authorization).toBe('Bearer key-1');
    expect(asked?.path).toBe(api === 'chat' ? '/v1/chat/completions' : '/v1/responses');
    expect(asked?.body).toMatchObject({ model: 'big-1', stream: true, store: false, tool_choice: 'auto' });
    expect(asked?.body).not.toHaveProperty('previous_response_id');
    if (api === 'chat') {
      expect(asked?.body['max_completion_tokens']).toBe(500);
      expect(asked?.body['stream_options']).toEqual({ include_usage: true });
      expect(asked?.body['messages']).toEqual([
        { role: 'system', content: 'Role: backend' },
        { role: 'user', content: 'Node: build' },
        {
          role: 'assistant',
          content: 'I look.',
          tool_calls: [
            { id: 'call-a', type: 'function', function: { name: 'list', arguments: '{"under":null}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'call-a', content: 'src/a.js' },
      ]);
    } else {
      expect(asked?.body['max_output_tokens']).toBe(500);
      expect(asked?.body['instructions']).toBe('Role: backend');
      expect(asked?.body['input']).toEqual([
        { role: 'user', content: 'Node: build' },
        { role: 'assistant', content: 'I look.' },
        { type: 'function_call', call_id: 'call-a', name: 'list', arguments: '{"under":null}' },
        { type: 'function_call_output', call_id: 'call-a', output: 'src/a.js' },
      ]);
    }
  });

  it('asks for the result’s schema, over chat only where no tool may be called', async () => {
    const { server, client } = await serve(() => ({ events: turnEvents(api, { text: '{}' }) }));
    await client.complete(request, signal());
    await client.complete({ ...request, toolChoice: 'none' }, signal());
    const formats = server.asked.map((asked) =>
      api === 'chat' ? asked.body['response_format'] : asked.body['text'],
    );
    expect(formats[0] === undefined).toBe(api === 'chat');
    expect(JSON.stringify(formats[1])).toContain('"work_result"');
    expect(JSON.stringify(formats[1])).toContain('"strict":true');
  });

  it('leaves out what a server does not know, and says so once', async () => {
    const name = api === 'chat' ? 'response_format' : 'text.format';
    const { server, client } = await serve((asked) =>
      asked.body['response_format'] !== undefined || asked.body['text'] !== undefined
        ? {
            status: 400,
            body: { error: { message: `Unknown parameter: ${name}`, type: 'invalid_request_error' } },
          }
        : { events: turnEvents(api, { text: '{}' }) },
    );
    const ask = { ...request, toolChoice: 'none' as const };
    expect((await client.complete(ask, signal())).dropped).toEqual(['format']);
    expect((await client.complete(ask, signal())).dropped).toEqual([]);
    expect(server.asked).toHaveLength(3);
  });

  it('never hands on the tool calls of an answer cut at its length', async () => {
    const { client } = await serve(() => ({
      events: turnEvents(api, {
        text: 'half',
        finish: 'length',
        calls: [{ name: 'write', args: '{"path":"a' }],
      }),
    }));
    expect(await client.complete(request, signal())).toMatchObject({
      finish: 'length',
      toolCalls: [],
      text: 'half',
    });
  });

  it('takes an answer that is longer than any can be for one that was cut', async () => {
    const { client } = await serve(() => ({ events: turnEvents(api, { text: 'x'.repeat(1_000_001) }) }));
    expect(await client.complete(request, signal())).toMatchObject({ finish: 'length', text: '' });
  });

  it('hands on no call of which a piece could not be read', async () => {
    const events = turnEvents(api, { calls: [{ name: 'write', args: { path: 'a', content: 'b' } }] });
    const broken =
      api === 'chat'
        ? [
            ...events.slice(0, 3),
            { choices: [{ delta: { tool_calls: [{ index: 'first' }] } }] },
            ...events.slice(3),
          ]
        : JSON.parse(JSON.stringify(events).replaceAll('"status":"completed"}', '"status":"incomplete"}'));
    const { client } = await serve(() => ({ events: broken }));
    const outcome = await client.complete(request, signal()).catch(toFailure);
    if (api === 'chat') expect(outcome).toMatchObject({ class: 'transient', code: 'model_unreadable' });
    else expect(outcome).toMatchObject({ finish: 'length', toolCalls: [] });
  });

  it('tells a refusal from an answer', async () => {
    const { client } = await serve(() => ({
      events: turnEvents(api, { text: 'I cannot help.', finish: 'refusal' }),
    }));
    expect(await client.complete(request, signal())).toMatchObject({
      finish: 'refusal',
      text: 'I cannot help.',
    });
  });

  it.each(['end', 'break'] as const)(
    'takes a stream that lacks its terminal event for cut (%s)',
    async (after) => {
      const events = withoutEnd(
        api,
        turnEvents(api, { text: 'half of it', calls: [{ name: 'list', args: {} }] }),
      );
      expect(await failureOf({ events, after })).toMatchObject({
        class: 'transient',
        code: 'stream_cut',
        asked: 1,
      });
    },
  );

  it('says what came where no stream did', async () => {
    const failure = await failureOf({ body: { hello: 'world' } });
    expect(failure).toMatchObject({ class: 'transient', code: 'model_unreadable', asked: 1 });
    expect(failure.message).toContain('application/json');
  });

  it('keeps an answer whose connection breaks after its terminal event', async () => {
    const { client } = await serve(() => ({ events: turnEvents(api, { text: 'whole' }), after: 'break' }));
    expect((await client.complete(request, signal())).text).toBe('whole');
  });

  it.each([
    [401, {}, 'needs_person', 'model_auth', undefined],
    [404, {}, 'needs_person', 'model_unknown', undefined],
    [429, {}, 'transient', 'model_busy', undefined],
    [429, { 'retry-after': '3' }, 'transient', 'model_busy', 3_000],
    [500, {}, 'transient', 'model_error', undefined],
    [400, {}, 'terminal', 'model_rejected', undefined],
  ])('%s %j fails once, without a retry of its own', async (status, headers, failureClass, code, wait) => {
    const failure = await failureOf({ status, headers, body: { error: { message: 'no', type: 't' } } });
    expect(failure).toMatchObject({ class: failureClass, code, asked: 1 });
    expect(failure.retryAfterMs).toBe(wait);
  });

  it('understands an error inside a stream', async () => {
    const error = { code: 'server_error', message: 'out of luck' };
    const events =
      api === 'chat'
        ? [{ error }]
        : [{ type: 'response.failed', response: { status: 'failed', error, output: [] } }];
    expect(await failureOf({ events })).toMatchObject({ class: 'transient', code: 'model_error' });
  });

  it('says where nobody answers', async () => {
    const server = await startModelServer(() => ({}));
    await server.close();
    const client = createModelClient({
      api,
      apiKey: null,
      baseUrl: server.url,
      model: 'm',
      clock: realClock,
    });
    const failure = await client.complete(request, signal()).then(() => null, toFailure);
    expect(failure).toMatchObject({ class: 'transient', code: 'model_unreachable' });
    expect(failure?.message).toContain('ECONNREFUSED');
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const { client } = await serve(() => {
      queueMicrotask(() => controller.abort());
      return { events: withoutEnd(api, turnEvents(api, { text: 'abc' })), after: 'hang' };
    });
    const failure = await client.complete(request, controller.signal).then(() => null, toFailure);
    expect(failure).toMatchObject({ class: 'cancelled' });
  });

  it('gives up on a stream that falls silent', async () => {
    let fire: (() => void) | null = null;
    const clock: Clock = {
      ...realClock,
      after: (_ms, callback) => {
        fire = callback;
        return () => {
          fire = null;
        };
      },
    };
    const { client } = await serve(() => {
      setImmediate(() => fire?.());
      return { events: [], after: 'hang' };
    }, clock);
    const failure = await client.complete(request, signal()).then(() => null, toFailure);
    expect(failure).toMatchObject({ class: 'transient', code: 'model_timeout' });
  });
});

describe.each(apis)('against an independent server over %s', (api: Api) => {
  it('holds a conversation of a tool call and an answer', async () => {
    const mock = new LLMock({ port: 0 });
    mock.on({ toolCallId: 'call_9' }, { content: 'There is one file.' });
    mock.onMessage('list them', { toolCalls: [{ id: 'call_9', name: 'list', arguments: '{"under":null}' }] });
    await mock.start();
    try {
      const client = createModelClient({
        api,
        apiKey: 'k',
        baseUrl: `${mock.url}/v1`,
        model: 'gpt-4.1',
        clock: realClock,
      });
      const base = { ...request, model: 'gpt-4.1', format: null };
      const first = await client.complete(
        { ...base, messages: [{ role: 'user', text: 'list them' }] },
        signal(),
      );
      expect(first).toMatchObject({
        finish: 'tool_calls',
        toolCalls: [{ id: 'call_9', name: 'list', arguments: '{"under":null}' }],
      });
      const second = await client.complete(
        {
          ...base,
          messages: [
            { role: 'user', text: 'list them' },
            { role: 'assistant', text: '', toolCalls: [...first.toolCalls] },
            { role: 'tool', callId: 'call_9', name: 'list', text: 'a.js' },
          ],
        },
        signal(),
      );
      expect(second).toMatchObject({ finish: 'stop', text: 'There is one file.' });
    } finally {
      await mock.stop();
    }
  });
});
