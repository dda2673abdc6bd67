import { describe, expect, it } from 'vitest';
import { classifyModelFault, type ModelFault, retryAfter } from '../../src/agents/model/model-faults.ts';
import { modelFaultOf } from '../../src/agents/model/sdk-faults.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');
const facts = { model: 'big-1', host: 'models.test', now: NOW };

function reported(
  status: number | null,
  code: string | null = null,
  headers: Record<string, string> = {},
): ModelFault {
  return { kind: 'reported', status, code, message: 'words of the server', headers };
}

describe('what a fault of a model server means', () => {
  it.each<[string, ModelFault, string, string, number | undefined]>([
    ['401', reported(401), 'needs_person', 'model_auth', undefined],
    ['403', reported(403), 'needs_person', 'model_auth', undefined],
    ['402', reported(402), 'needs_person', 'model_quota', undefined],
    ['429 for lack of credit', reported(429, 'insufficient_quota'), 'needs_person', 'model_quota', undefined],
    ['404', reported(404), 'needs_person', 'model_unknown', undefined],
    ['400 model_not_found', reported(400, 'model_not_found'), 'needs_person', 'model_unknown', undefined],
    ['429', reported(429), 'transient', 'model_busy', undefined],
    ['429 with seconds', reported(429, null, { 'retry-after': '7' }), 'transient', 'model_busy', 7_000],
    [
      '429 with milliseconds',
      reported(429, null, { 'retry-after-ms': '150', 'retry-after': '7' }),
      'transient',
      'model_busy',
      150,
    ],
    [
      '429 with a date',
      reported(429, null, { 'retry-after': 'Tue, 01 Jan 2030 00:00:30 GMT' }),
      'transient',
      'model_busy',
      30_000,
    ],
    ['busy inside a stream', reported(null, 'rate_limit_exceeded'), 'transient', 'model_busy', undefined],
    ['500', reported(500), 'transient', 'model_error', undefined],
    ['503 with seconds', reported(503, null, { 'retry-after': '2' }), 'transient', 'model_error', 2_000],
    ['408', reported(408), 'transient', 'model_error', undefined],
    ['409', reported(409), 'transient', 'model_error', undefined],
    ['an error inside a stream', reported(null, 'server_error'), 'transient', 'model_error', undefined],
    ['400', reported(400), 'terminal', 'model_rejected', undefined],
    ['422', reported(422), 'terminal', 'model_rejected', undefined],
    ['400 for length', reported(400, 'context_length_exceeded'), 'terminal', 'context_too_long', undefined],
    ['413', reported(413), 'terminal', 'context_too_long', undefined],
    ['a content filter', reported(400, 'content_filter'), 'needs_person', 'model_refused', undefined],
    [
      'no connection',
      { kind: 'unreachable', code: 'ECONNREFUSED' },
      'transient',
      'model_unreachable',
      undefined,
    ],
    ['silence', { kind: 'timeout' }, 'transient', 'model_timeout', undefined],
    ['a cut stream', { kind: 'cut', events: 3 }, 'transient', 'stream_cut', undefined],
  ])('%s', (_name, fault, failureClass, code, wait) => {
    const failure = classifyModelFault(fault, facts);
    expect([failure.class, failure.code, failure.retryAfterMs]).toEqual([failureClass, code, wait]);
  });

  it('names the variable to set', () => {
    expect(classifyModelFault(reported(401), facts).hint).toContain('OPENAI_API_KEY');
    expect(classifyModelFault(reported(404), facts).hint).toContain('OPENAI_MODEL');
    expect(classifyModelFault(reported(404), facts).message).toContain('big-1');
    expect(classifyModelFault({ kind: 'unreachable', code: null }, facts).hint).toContain('OPENAI_BASE_URL');
    expect(classifyModelFault({ kind: 'cut', events: 0 }, facts).hint).toContain('OPENAI_BASE_URL');
  });
});

describe('Retry-After', () => {
  it.each<[Record<string, string>, number | null]>([
    [{}, null],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '' }, null],
    [{ 'retry-after': '-5' }, 0],
    [{ 'retry-after': 'Mon, 31 Dec 2029 23:59:00 GMT' }, 0],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': '99999999' }, 86_400_000],
    [{ 'retry-after-ms': 'x', 'retry-after': '1' }, 1_000],
  ])('%j is %j ms', (headers, ms) => {
    expect(retryAfter(headers, NOW)).toBe(ms);
  });
});

describe('errors of the transport', () => {
  it('finds the system’s code under its causes', () => {
    const refused = new TypeError('fetch failed', {
      cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
    });
    expect(modelFaultOf(refused, null)).toEqual({ kind: 'unreachable', code: 'ECONNREFUSED' });
  });
  it('takes the same error for a cut once the stream was open', () => {
    expect(modelFaultOf(new TypeError('terminated'), 4)).toEqual({ kind: 'cut', events: 4 });
  });
});
