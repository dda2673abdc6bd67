import type { ServerResponse } from 'node:http';
import type { FailureClass } from '../../src/domain/failure.ts';
import { type Answer, type Api, type Asked, turnEvents, withoutEnd } from '../agents/model-server.ts';
import { turnsIn } from '../agents/world.ts';
import { TURNS } from './world.ts';

/** What the server of a fault may use. */
export interface Server {
  readonly api: Api;
  readonly asked: Asked;
  /** By the clock. */
  readonly now: number;
  /** Another server; who is sent there must not go. */
  readonly elsewhere: string;
  /** Says that a call hangs, until so many milliseconds have passed. */
  readonly hang: (ms: number) => void;
}

/** One way in which a model server fails, and all that has to come of it. */
export interface Fault {
  readonly name: string;
  readonly answer: (server: Server) => Answer;
  readonly kind: FailureClass;
  readonly code: string;
  /** Milliseconds between the calls that are made, first to last: one call more than waits. */
  readonly waits: readonly number[];
  /** What people read. */
  readonly says: readonly RegExp[];
  /** Calls that ended with an answer, whose tokens therefore count. */
  readonly paid?: number;
}

/** A step's own waits with half of their random part: 1, 2, 4 and 8 s, of which half is sure. */
const BACKOFF = [750, 1_500, 3_000, 6_000] as const;
/** A pause the server wants without saying how long: 1 s, doubled. It outlasts the step's own. */
const THROTTLED = [1_000, 2_000, 4_000, 8_000] as const;
const IDLE_MS = 300_000;
const AT_ONCE = [] as const;
const times = (ms: number): readonly number[] => [ms, ms, ms, ms];
const afterSilence = BACKOFF.map((ms) => ms + IDLE_MS);

const refusal =
  (status: number, message: string, more: object = {}, headers: Answer['headers'] = {}): Fault['answer'] =>
  () => ({ status, headers, body: { error: { message, type: 'some_error', ...more } } });

const sse = (response: ServerResponse, ...lines: readonly string[]): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const line of lines) response.write(`${line}\n\n`);
};

/** Text and a call whose arguments are whole, so that taking any of it for an answer would show. */
const canary = {
  text: 'half of it',
  calls: [{ name: 'write', args: { path: 'canary.txt', content: 'carried out' } }],
};
const page =
  '<html><head><style>p { color: red }</style><script>steal()</script></head><body><p>Please sign in</p></body></html>';

const PAUSED_AGAIN = /Retry/;
const KEPT = /kept in the worktree/;

export const faults: readonly Fault[] = [
  {
    name: '401',
    answer: refusal(401, 'Incorrect API key provided'),
    kind: 'needs_person',
    code: 'model_auth',
    waits: AT_ONCE,
    says: [/did not accept the key/, /Incorrect API key provided/, /OPENAI_API_KEY.*Retry/],
  },
  {
    name: '403',
    answer: refusal(403, 'Your country is not supported'),
    kind: 'needs_person',
    code: 'model_auth',
    waits: AT_ONCE,
    says: [/did not accept the key/, /country is not supported/, PAUSED_AGAIN],
  },
  {
    name: '404 for the model',
    answer: refusal(404, 'The model does not exist', { code: 'model_not_found' }),
    kind: 'needs_person',
    code: 'model_unknown',
    waits: AT_ONCE,
    says: [/“big-1” is not known/, /OPENAI_MODEL.*Retry/],
  },
  {
    name: '408',
    answer: refusal(408, 'Request timeout'),
    kind: 'transient',
    code: 'model_error',
    waits: BACKOFF,
    says: [/failed \(408\)/, PAUSED_AGAIN],
  },
  {
    name: '409',
    answer: refusal(409, 'Locked'),
    kind: 'transient',
    code: 'model_error',
    waits: BACKOFF,
    says: [/failed \(409\)/, PAUSED_AGAIN],
  },
  {
    name: '429 with seconds to wait',
    answer: refusal(429, 'Slow down', { code: 'rate_limit_exceeded' }, { 'retry-after': '42' }),
    kind: 'transient',
    code: 'model_busy',
    waits: times(42_000),
    says: [/limiting how often it is called/, /Slow down/, PAUSED_AGAIN],
  },
  {
    name: '429 with a date to wait for',
    answer: ({ now }) => ({
      status: 429,
      headers: { 'retry-after': new Date(now + 90_000).toUTCString() },
      body: { error: { message: 'Slow down' } },
    }),
    kind: 'transient',
    code: 'model_busy',
    waits: times(90_000),
    says: [/limiting how often it is called/, PAUSED_AGAIN],
  },
  {
    name: '429 without a word of when',
    answer: refusal(429, 'Slow down'),
    kind: 'transient',
    code: 'model_busy',
    waits: THROTTLED,
    says: [/limiting how often it is called/, PAUSED_AGAIN],
  },
  {
    name: '429 for lack of credit',
    answer: refusal(429, 'You exceeded your current quota', { code: 'insufficient_quota' }),
    kind: 'needs_person',
    code: 'model_quota',
    waits: AT_ONCE,
    says: [/has no credit left/, /Top it up.*Retry/],
  },
  {
    name: '500',
    answer: refusal(500, 'The server had an error'),
    kind: 'transient',
    code: 'model_error',
    waits: BACKOFF,
    says: [/failed \(500\)/, /The server had an error/, PAUSED_AGAIN],
  },
  {
    name: '502 with a page',
    answer: () => ({
      raw: (response) => response.writeHead(502, { 'content-type': 'text/html' }).end(page),
    }),
    kind: 'transient',
    code: 'model_error',
    waits: BACKOFF,
    says: [/failed \(502\)/, /It said: 502 Please sign in/, PAUSED_AGAIN],
  },
  {
    name: '503 with seconds to wait',
    answer: refusal(503, 'Overloaded', {}, { 'retry-after': '20' }),
    kind: 'transient',
    code: 'model_error',
    waits: times(20_000),
    says: [/failed \(503\)/, PAUSED_AGAIN],
  },
  {
    name: 'a connection that ends before an answer',
    answer: () => ({ raw: (response) => response.destroy() }),
    kind: 'transient',
    code: 'model_unreachable',
    waits: BACKOFF,
    says: [/No connection to the model server/, PAUSED_AGAIN],
  },
  {
    name: 'silence before an answer',
    answer: ({ hang }) => ({ raw: () => hang(IDLE_MS) }),
    kind: 'transient',
    code: 'model_timeout',
    waits: afterSilence,
    says: [/did not answer in time/, PAUSED_AGAIN],
  },
  {
    name: 'silence in the middle of an answer',
    answer: ({ api, hang }) => ({
      raw: (response) => {
        const [first] = turnEvents(api, canary);
        sse(response, `event: any\ndata: ${JSON.stringify(first)}`);
        hang(IDLE_MS);
      },
    }),
    kind: 'transient',
    code: 'model_timeout',
    waits: afterSilence,
    says: [/did not answer in time/, PAUSED_AGAIN],
  },
  {
    name: 'a stream that is cut',
    answer: ({ api }) => ({ events: withoutEnd(api, turnEvents(api, canary)), after: 'break' }),
    kind: 'transient',
    code: 'stream_cut',
    waits: BACKOFF,
    says: [/broke off before its end; nothing of it was used/, PAUSED_AGAIN],
  },
  {
    name: 'a stream that ends without its last event',
    answer: ({ api }) => ({ events: withoutEnd(api, turnEvents(api, canary)), after: 'end' }),
    kind: 'transient',
    code: 'stream_cut',
    waits: BACKOFF,
    says: [/broke off before its end; nothing of it was used/, PAUSED_AGAIN],
  },
  {
    name: 'events that are no JSON',
    answer: ({ api }) => ({
      raw: (response) => {
        const whole = turnEvents(api, canary).map((event) => JSON.stringify(event));
        sse(response, `data: ${whole[0]}`, `data: ${whole[1]?.slice(0, -9)}`, `data: ${whole.at(-1)}`);
        response.end();
      },
    }),
    kind: 'transient',
    code: 'model_unreadable',
    waits: BACKOFF,
    says: [/answered with broken JSON/, /OPENAI_BASE_URL/, PAUSED_AGAIN],
  },
  {
    name: 'an error in the middle of an answer',
    answer: ({ api }) => ({
      events: [
        ...withoutEnd(api, turnEvents(api, canary)),
        api === 'chat'
          ? { error: { code: 'server_error', message: 'out of luck' } }
          : {
              type: 'response.failed',
              response: { output: [], error: { code: 'server_error', message: 'out of luck' } },
            },
      ],
    }),
    kind: 'transient',
    code: 'model_error',
    waits: BACKOFF,
    says: [/The model server at 127\.0\.0\.1:\d+ failed\. It said: .*out of luck/, PAUSED_AGAIN],
  },
  {
    name: 'a page instead of an answer',
    answer: () => ({
      raw: (response) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page),
    }),
    kind: 'transient',
    code: 'model_unreadable',
    waits: BACKOFF,
    says: [/answered with text\/html/, /ends in the version/, PAUSED_AGAIN],
  },
  {
    name: 'a redirect',
    answer: ({ elsewhere }) => ({ status: 307, headers: { location: `${elsewhere}/v1?token=s3cr3t` } }),
    kind: 'needs_person',
    code: 'model_moved',
    waits: AT_ONCE,
    says: [
      /sends its callers elsewhere, to 127\.0\.0\.1:\d+\. Nothing was sent there/,
      /OPENAI_BASE_URL.*Retry/,
    ],
  },
  {
    name: 'a context that is too long',
    answer: refusal(400, 'This model has a maximum context', { code: 'context_length_exceeded' }),
    kind: 'terminal',
    code: 'context_too_long',
    waits: AT_ONCE,
    says: [/longer than the model can read/, /larger context/],
  },
  {
    name: 'a request it does not take',
    answer: refusal(400, 'Nonsense'),
    kind: 'terminal',
    code: 'model_rejected',
    waits: AT_ONCE,
    says: [/refused the request \(400\)/, /OPENAI_API/],
  },
  {
    name: 'a result of another shape',
    answer: ({ api }) => ({ events: turnEvents(api, { text: '{"summary":5,"files":"none"}' }) }),
    kind: 'terminal',
    code: 'result_invalid',
    waits: [0, 0],
    says: [/without a usable result, after 2 corrections/, KEPT],
    paid: 3,
  },
  {
    name: 'an answer with nothing in it',
    answer: ({ api }) => ({ events: turnEvents(api, {}) }),
    kind: 'terminal',
    code: 'result_invalid',
    waits: [0, 0],
    says: [/without a usable result, after 2 corrections/, KEPT],
    paid: 3,
  },
  {
    name: 'a refusal',
    answer: ({ api }) => ({ events: turnEvents(api, { text: 'I would rather not.', finish: 'refusal' }) }),
    kind: 'needs_person',
    code: 'model_refused',
    waits: AT_ONCE,
    says: [/The model declined this task\. It said: I would rather not/, /Reword.*Retry/],
    paid: 1,
  },
  {
    name: 'a content filter',
    answer: ({ api }) => ({ events: filtered(api) }),
    kind: 'needs_person',
    code: 'model_refused',
    waits: AT_ONCE,
    says: [/The model declined this task/, PAUSED_AGAIN],
    paid: 1,
  },
  {
    name: 'a content filter before an answer',
    answer: refusal(400, 'Filtered by policy', { code: 'content_filter' }),
    kind: 'needs_person',
    code: 'model_refused',
    waits: AT_ONCE,
    says: [/The model declined this task\. It said: 400 Filtered by policy/, PAUSED_AGAIN],
  },
  {
    name: 'an answer cut at its length, with a call in it',
    answer: ({ api }) => ({ events: turnEvents(api, { ...canary, finish: 'length' }) }),
    kind: 'terminal',
    code: 'model_truncated',
    waits: [0, 0],
    says: [/cut off at its length limit 3 times running; nothing of it was carried out/],
    paid: 3,
  },
  {
    name: 'an answer without an end',
    answer: () => ({ raw: flood }),
    kind: 'terminal',
    code: 'model_truncated',
    waits: [0, 0],
    says: [/cut off at its length limit 3 times running; nothing of it was carried out/],
    paid: 3,
  },
  {
    name: 'calls without an end',
    answer: ({ api, asked }) => ({
      events: turnEvents(api, { calls: [{ name: 'read', args: { path: `no-${turnsIn(asked)}.txt` } }] }),
    }),
    kind: 'terminal',
    code: 'turn_limit',
    waits: Array.from({ length: TURNS - 2 }, () => 0),
    says: [new RegExp(`used up its ${TURNS} turns without a result`), KEPT],
    paid: TURNS - 1,
  },
  {
    name: 'the same call again and again',
    answer: ({ api }) => ({ events: turnEvents(api, { calls: [{ name: 'list', args: { under: null } }] }) }),
    kind: 'terminal',
    code: 'no_progress',
    waits: [0, 0, 0, 0],
    says: [/made the same call 5 times running and was stopped/, KEPT],
    paid: 5,
  },
];

/** A whole answer, but for its end: the server's filter stepped in. */
function filtered(api: Api): object[] {
  const events = turnEvents(api, canary);
  const text = JSON.stringify(events);
  const changed =
    api === 'chat'
      ? text.replace('"finish_reason":"tool_calls"', '"finish_reason":"content_filter"')
      : text
          .replaceAll('"incomplete_details":null', '"incomplete_details":{"reason":"content_filter"}')
          .replace('"type":"response.completed"', '"type":"response.incomplete"');
  return JSON.parse(changed);
}

/** Goes on until nobody listens any more. */
function flood(response: ServerResponse): void {
  sse(response);
  const piece = `data: ${JSON.stringify({ type: 'response.output_text.delta', delta: 'x'.repeat(60_000), choices: [{ delta: { content: 'x'.repeat(60_000) } }] })}\n\n`;
  const pour = (): void => {
    while (!response.destroyed) {
      if (!response.write(piece)) {
        response.once('drain', pour);
        return;
      }
    }
  };
  pour();
}
