import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { env } from 'node:process';
import { createInterface } from 'node:readline';

/**
 * A coding agent that speaks the Agent Client Protocol (version 1) over standard input and output, and does what its script,
 * its first argument, says: a list of turns, each a list of acts. Written against the protocol's own documents, apart from
 * Baton's client; imports nothing of Baton, so it can be shown alone inside a sandbox.
 */
type Act =
  | { readonly act: 'read'; readonly path: string; readonly line?: number; readonly limit?: number }
  | { readonly act: 'write'; readonly path: string; readonly content: string }
  | { readonly act: 'run'; readonly command: string; readonly args: readonly string[] }
  | { readonly act: 'permit'; readonly kind: string; readonly title: string; readonly command?: string }
  /** With its own hands, past the protocol. */
  | { readonly act: 'own-write'; readonly path: string; readonly content: string }
  | { readonly act: 'own-read'; readonly path: string }
  | { readonly act: 'say'; readonly text: string }
  | { readonly act: 'environment' }
  /** Hears what it was prompted with. */
  | { readonly act: 'prompt' }
  /** Tells how large its context is and what its session cost so far. */
  | { readonly act: 'tell'; readonly used: number; readonly cost?: number }
  /** Tells with the end of the turn what it used. */
  | { readonly act: 'used'; readonly usage: Record<string, number> }
  /** Calls the model so many times, or until it says that this is enough. */
  | { readonly act: 'call'; readonly times: number }
  /** Begins a process that does nothing, and takes ever more memory itself. */
  | { readonly act: 'hog' }
  | { readonly act: 'raw'; readonly text: string; readonly times: number }
  | { readonly act: 'grumble'; readonly bytes: number }
  | { readonly act: 'hang' }
  | { readonly act: 'ask-for-ever' }
  | { readonly act: 'die-once'; readonly mark: string }
  | { readonly act: 'exit'; readonly code: number }
  | { readonly act: 'stop'; readonly reason: string };

interface Incoming {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

const { OPENAI_BASE_URL: base } = env;
const script: readonly (readonly Act[])[] = JSON.parse(process.argv[2] ?? '[]');
const waiting = new Map<number, (message: Incoming) => void>();
let next = 1000;
let turn = 0;
let root = '/';
let may: Record<string, unknown> = {};
let used: Record<string, number> | null = null;
const heard: string[] = [];
const prompts: string[] = [];

function send(message: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

function ask(method: string, params: Record<string, unknown>): Promise<Incoming> {
  next += 1;
  const id = next;
  send({ id, method, params: { sessionId: 's1', ...params } });
  return new Promise((resolve) => waiting.set(id, resolve));
}

function update(content: Record<string, unknown>): void {
  send({ method: 'session/update', params: { sessionId: 's1', update: content } });
}

function say(text: string): void {
  update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } });
}

/** What came back is told in the last answer's warnings, so that a test sees what the agent saw. */
function note(what: string, message: Incoming): void {
  heard.push(
    `${what}: ${message.error === undefined ? JSON.stringify(message.result) : `no (${message.error.message})`}`,
  );
}

async function perform(act: Act): Promise<string | null> {
  switch (act.act) {
    case 'read':
      note('read', await ask('fs/read_text_file', { ...act, path: absolute(act.path) }));
      return null;
    case 'write':
      note('write', await ask('fs/write_text_file', { path: absolute(act.path), content: act.content }));
      return null;
    case 'run': {
      const made = await ask('terminal/create', { command: act.command, args: act.args, cwd: root });
      if (made.error !== undefined) {
        note('run', made);
        return null;
      }
      const { terminalId } = made.result ?? {};
      const exit = await ask('terminal/wait_for_exit', { terminalId });
      const output = await ask('terminal/output', { terminalId });
      await ask('terminal/release', { terminalId });
      heard.push(`run: ${String(exit.result?.['exitCode'])} ${String(output.result?.['output'])}`);
      return null;
    }
    case 'permit': {
      const options = ['allow_always', 'allow_once', 'reject_once'].map((kind) => ({
        optionId: `o-${kind}`,
        name: kind,
        kind,
      }));
      const toolCall = {
        toolCallId: 't1',
        title: act.title,
        kind: act.kind,
        rawInput: { command: act.command },
      };
      note('permit', await ask('session/request_permission', { toolCall, options }));
      return null;
    }
    case 'own-write':
      update({
        sessionUpdate: 'tool_call',
        toolCallId: 't2',
        title: `Edit ${act.path}`,
        kind: 'edit',
        status: 'pending',
      });
      try {
        writeFileSync(absolute(act.path), act.content);
        heard.push('own-write: done');
      } catch (error) {
        heard.push(`own-write: ${error instanceof Error ? error.message : 'failed'}`);
      }
      return null;
    case 'own-read':
      try {
        heard.push(`own-read: ${readFileSync(act.path, 'utf8').slice(0, 200)}`);
      } catch (error) {
        heard.push(`own-read: ${error instanceof Error ? error.message : 'failed'}`);
      }
      return null;
    case 'say':
      say(act.text.replaceAll('%heard%', inJson(JSON.stringify(heard))));
      return null;
    case 'environment':
      heard.push(`environment: ${JSON.stringify(Object.keys(env).sort())} ${JSON.stringify(may)}`);
      return null;
    case 'prompt':
      heard.push(...prompts.splice(0));
      return null;
    case 'tell': {
      const cost = act.cost === undefined ? {} : { cost: { amount: act.cost, currency: 'USD' } };
      update({ sessionUpdate: 'usage_update', used: act.used, size: 200_000, ...cost });
      return null;
    }
    case 'used':
      used = act.usage;
      return null;
    case 'call':
      for (let at = 0; at < act.times; at += 1) {
        const answer = await fetch(`${base}/chat/completions`, {
          method: 'POST',
          body: '{}',
        });
        const text = await answer.text();
        heard.push(`call: ${answer.status} ${text.slice(0, 100)}`);
        if (text.includes('enough')) break;
      }
      return null;
    case 'hog': {
      spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1_000)'], { stdio: 'ignore' });
      const all: Buffer[] = [];
      await new Promise(() => setInterval(() => all.push(Buffer.alloc(32 * 1024 * 1024, 1)), 60));
      return null;
    }
    case 'raw':
      process.stdout.write(act.text.repeat(act.times));
      return null;
    case 'grumble':
      await new Promise((resolve) => process.stderr.write('x'.repeat(act.bytes), resolve));
      return null;
    case 'hang':
      await new Promise(() => setInterval(() => undefined, 1_000));
      return null;
    case 'ask-for-ever':
      for (let at = 1; ; at += 1) await ask('fs/read_text_file', { path: absolute('src/a.js'), line: at });
    case 'die-once':
      try {
        writeFileSync(absolute(act.mark), '', { flag: 'wx' });
      } catch {
        return null;
      }
      console.error('out of luck');
      return process.exit(7);
    case 'exit':
      return process.exit(act.code);
    case 'stop':
      return act.reason;
    default:
      return act satisfies never;
  }
}

/** As it stands within a string of JSON. */
function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `${root}/${path}`;
}

async function prompted(id: number | string): Promise<void> {
  const acts = script[Math.min(turn, script.length - 1)] ?? [];
  turn += 1;
  let reason = 'end_turn';
  for (const act of acts) reason = (await perform(act)) ?? reason;
  send({ id, result: { stopReason: reason, ...(used === null ? {} : { usage: used }) } });
  used = null;
}

function handle(message: Incoming): void {
  const { id, method, params = {} } = message;
  if (method === undefined) {
    waiting.get(Number(id))?.(message);
    waiting.delete(Number(id));
    return;
  }
  if (id === undefined) return;
  if (method === 'initialize') {
    may = Object(params['clientCapabilities']);
    send({ id, result: { protocolVersion: 1, agentCapabilities: {}, authMethods: [] } });
  } else if (method === 'session/new') {
    root = String(params['cwd']);
    send({ id, result: { sessionId: 's1' } });
  } else if (method === 'session/prompt') {
    prompts.push(JSON.stringify(params['prompt']));
    void prompted(id);
  } else {
    send({ id, error: { code: -32_601, message: 'unknown' } });
  }
}

createInterface({ input: process.stdin }).on('line', (line) => handle(JSON.parse(line)));
