import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type CastServer, startCast } from '../../src/cast/server.ts';
import { opening, shippedCasts } from './support.ts';

const { system, user } = opening({ role: 'architect', node: 'design', request: 'Add CSV export' });
const page = "function renderActions() { return ''; }";

let server: CastServer;
let client: OpenAI;
beforeAll(async () => {
  server = await startCast({ casts: await shippedCasts(), delayMs: 0, port: 0 });
  client = new OpenAI({ apiKey: 'none', baseURL: server.url, maxRetries: 0 });
});
afterAll(() => server.close());

const firstMessages = [
  { role: 'system', content: system },
  { role: 'user', content: user },
] satisfies OpenAI.ChatCompletionMessageParam[];

describe('chat completions', () => {
  test('calls tools, then ends with the result', async () => {
    const first = await client.chat.completions.create({ model: 'rehearsal', messages: firstMessages });
    const message = first.choices[0]?.message;
    expect(first.choices[0]?.finish_reason).toBe('tool_calls');
    expect(message?.content).toMatch(/^Rehearsal: /);
    expect(message?.tool_calls?.map((call) => call.type === 'function' && call.function.name)).toEqual([
      'read',
      'read',
      'read',
    ]);
    expect(first.usage?.prompt_tokens).toBeGreaterThan(10);

    const replies = (message?.tool_calls ?? []).map((call) => ({
      role: 'tool' as const,
      tool_call_id: call.id,
      content: page,
    }));
    const second = await client.chat.completions.create({
      model: 'rehearsal',
      messages: [...firstMessages, ...(message ? [message] : []), ...replies],
    });
    expect(second.choices[0]?.finish_reason).toBe('stop');
    expect(JSON.parse(second.choices[0]?.message.content ?? '').points).toHaveLength(6);
  });

  test('a stream adds up to the answer without one', async () => {
    const body = { model: 'rehearsal', messages: firstMessages };
    const whole = await client.chat.completions.create(body);
    const stream = await client.chat.completions.create({
      ...body,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let finish: string | null = null;
    let usage: OpenAI.CompletionUsage | undefined;
    const calls: { id: string; name: string; arguments: string }[] = [];
    for await (const chunk of stream) {
      const choice = chunk.choices[0];
      text += choice?.delta.content ?? '';
      for (const part of choice?.delta.tool_calls ?? []) {
        calls[part.index] ??= { id: '', name: '', arguments: '' };
        const call = calls[part.index];
        if (call === undefined) continue;
        call.id += part.id ?? '';
        call.name += part.function?.name ?? '';
        call.arguments += part.function?.arguments ?? '';
      }
      finish = choice?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    const message = whole.choices[0]?.message;
    expect(text).toBe(message?.content);
    expect(calls).toEqual(
      message?.tool_calls?.map((call) => call.type === 'function' && { id: call.id, ...call.function }),
    );
    expect(finish).toBe('tool_calls');
    expect(usage).toEqual(whole.usage);
  });
});

describe('responses', () => {
  const input = [{ role: 'user', content: user }] satisfies OpenAI.Responses.ResponseInput;

  test('calls tools, then ends with the result', async () => {
    const first = await client.responses.create({
      model: 'rehearsal',
      instructions: system,
      input,
      store: false,
    });
    expect(first.status).toBe('completed');
    expect(first.output.map((item) => item.type)).toEqual([
      'message',
      'function_call',
      'function_call',
      'function_call',
    ]);
    const calls = first.output.filter((item) => item.type === 'function_call');
    const second = await client.responses.create({
      model: 'rehearsal',
      instructions: system,
      input: [
        ...input,
        ...first.output.filter((item) => item.type === 'message' || item.type === 'function_call'),
        ...calls.map((call) => ({
          type: 'function_call_output' as const,
          call_id: call.call_id,
          output: page,
        })),
      ],
    });
    expect(JSON.parse(second.output_text).risks).toHaveLength(2);
    expect(second.usage?.output_tokens).toBeGreaterThan(50);
  });

  test('a stream ends with the very answer given without one', async () => {
    const body = { model: 'rehearsal', instructions: system, input };
    const whole = await client.responses.create(body);
    const types: string[] = [];
    let text = '';
    let argumentsText = '';
    let last: OpenAI.Responses.Response | undefined;
    for await (const event of await client.responses.create({ ...body, stream: true })) {
      expect(event.sequence_number).toBe(types.length);
      types.push(event.type);
      if (event.type === 'response.output_text.delta') text += event.delta;
      if (event.type === 'response.function_call_arguments.delta') argumentsText += event.delta;
      if (event.type === 'response.completed') last = event.response;
    }
    expect(types[0]).toBe('response.created');
    expect(types.at(-1)).toBe('response.completed');
    expect(text).toBe(whole.output_text);
    expect(argumentsText).toContain('"src/index.js"');
    expect(last?.output).toEqual(whole.output);
  });

  test('what it cannot do without memory is refused', async () => {
    const asked = client.responses.create({
      model: 'rehearsal',
      input: 'Go on',
      previous_response_id: 'resp_1',
    });
    await expect(asked).rejects.toMatchObject({ status: 400, param: 'previous_response_id' });
  });
});

test('both APIs give the same turn', async () => {
  const chat = await client.chat.completions.create({ model: 'rehearsal', messages: firstMessages });
  const responses = await client.responses.create({ model: 'rehearsal', instructions: system, input: user });
  expect(responses.output_text).toBe(chat.choices[0]?.message.content);
});

test.each([
  ['/chat/completions', { model: 'm', messages: firstMessages, stream: true }],
  ['/chat/completions', { model: 'm', messages: firstMessages }],
  ['/responses', { model: 'm', instructions: system, input: user, stream: true }],
  ['/responses', { model: 'm', instructions: system, input: user }],
])('%s: asked again, also of another server, the answer is the same to the byte', async (path, body) => {
  const another = await startCast({ casts: await shippedCasts(), delayMs: 1, port: 0 });
  const ask = async (url: string) =>
    (await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) })).text();
  const first = await ask(server.url);
  expect(await ask(server.url)).toBe(first);
  expect(await ask(another.url)).toBe(first);
  expect(first).toContain('src/page.js');
  await another.close();
});

test('an agent that may call nothing any more ends, and claims nothing it did not do', async () => {
  const answer = await client.chat.completions.create({
    model: 'rehearsal',
    messages: [
      { role: 'system', content: 'Role: backend' },
      { role: 'user', content: user.replace('design', 'implement') },
    ],
    tools: [{ type: 'function', function: { name: 'read' } }],
    tool_choice: 'none',
    response_format: { type: 'json_schema', json_schema: { name: 'work', schema: {} } },
  });
  expect(answer.choices[0]?.finish_reason).toBe('stop');
  expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toMatchObject({
    summary: expect.stringContaining('no more calls'),
    files: [],
  });
});

describe('a role or node the cast does not know', () => {
  const ask = (name: string) =>
    client.chat.completions.create({
      model: 'rehearsal',
      messages: [
        { role: 'system', content: 'Role: gardener' },
        { role: 'user', content: user },
      ],
      response_format: { type: 'json_schema', json_schema: { name, schema: {} } },
    });

  test.each(['spec', 'work', 'review'] as const)('gets a polite %s', async (kind) => {
    const { agentResults } = await import('../../src/domain/agent.ts');
    const result = agentResults[kind].parse(JSON.parse((await ask(kind)).choices[0]?.message.content ?? ''));
    expect(result.summary).toContain('has no lines for the role "gardener" at "design"');
  });

  test('gets plain words when no typed result is asked for', async () => {
    const answer = await client.responses.create({ model: 'rehearsal', input: 'Hello' });
    expect(answer.output_text).toMatch(/^Rehearsal: /);
  });
});

describe('around the answers', () => {
  const send = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${server.url}${path}`, init);
    return { status: answer.status, body: z.looseObject({}).parse(await answer.json()) };
  };

  test('health and the one model', async () => {
    expect(await send('/health')).toEqual({
      status: 200,
      body: { status: 'ok', casts: ['CSV export', 'Any request'] },
    });
    expect((await client.models.list()).data.map((model) => model.id)).toEqual(['rehearsal']);
  });

  test.each([
    ['not JSON', '/chat/completions', '{', 400, 'invalid_json'],
    ['no messages', '/chat/completions', '{"model":"rehearsal"}', 400, 'invalid_value'],
    [
      'no user message',
      '/chat/completions',
      '{"model":"m","messages":[{"role":"system","content":"x"}]}',
      400,
      'invalid_value',
    ],
    ['no input', '/responses', '{"model":"rehearsal"}', 400, 'invalid_value'],
    [
      'an unknown item',
      '/responses',
      '{"model":"m","input":[{"type":"item_reference","id":"1"}]}',
      400,
      'invalid_value',
    ],
    ['an unknown URL', '/embeddings', '{}', 404, 'unknown_url'],
    ['the wrong method', '/models', '{}', 405, 'method_not_allowed'],
  ])('%s is an error in the form of OpenAI', async (_, path, body, status, code) => {
    expect(await send(path, { method: 'POST', body })).toMatchObject({ status, body: { error: { code } } });
  });

  test('a body too large is refused', async () => {
    const body = JSON.stringify({ model: 'm', input: 'x'.repeat(33 * 1024 * 1024) });
    const answer = await fetch(`${server.url}/responses`, { method: 'POST', body }).catch(() => null);
    // Refused before it is read: some clients see the answer, others the closed connection.
    expect(answer === null || answer.status === 413).toBe(true);
    expect((await send('/health')).status).toBe(200);
  });

  test('closing ends answers under way', async () => {
    const slow = await startCast({ casts: await shippedCasts(), delayMs: 60_000, port: 0 });
    const stream = await new OpenAI({ apiKey: 'none', baseURL: slow.url, maxRetries: 0 }).responses.create({
      model: 'rehearsal',
      input: user,
      stream: true,
    });
    await slow.close();
    await expect(async () => {
      for await (const event of stream) expect(event.type).not.toBe('response.completed');
    }).rejects.toThrow();
  });
});
