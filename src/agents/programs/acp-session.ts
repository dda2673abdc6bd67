import { randomUUID } from 'node:crypto';
import type { Json } from '../../domain/json.ts';
import type { Program } from '../../ports/workspace.ts';
import type { Tokens } from '../transcript.ts';
import { invalid, understandAsk, unknownMethod } from './acp-asks.ts';
import {
  ACP_VERSION,
  type Answer,
  type Ask,
  initializedSchema,
  newSessionSchema,
  promptedSchema,
  terminalSchema,
  tokensOf,
  updateSchema,
} from './acp-protocol.ts';
import { createPeer, type Peer, RPC, type RpcId, type RpcReply } from './json-rpc.ts';

/** Characters of what an agent says in one turn: its answer stands at the end. */
const MAX_TEXT_CHARS = 256_000;
/** Tool calls told of, per exchange. */
const MAX_SEEN = 100;
const TITLE_CHARS = 200;
/** Asks that may wait at once; an agent that floods is answered with an error. */
const MAX_PENDING = 64;

export type Turn =
  | { readonly status: 'asks'; readonly asks: readonly Ask[]; readonly seen: readonly string[] }
  | {
      readonly status: 'ended';
      readonly reason: string;
      readonly text: string;
      readonly seen: readonly string[];
      readonly tokens: Tokens | null;
    };

export interface AcpOptions {
  /** Starts the program; its standard output goes to `hear`. */
  readonly start: (hear: (chunk: Buffer) => void) => Promise<Program>;
  /** The worktree as the program knows it. */
  readonly root: string;
  readonly may: { readonly read: boolean; readonly write: boolean; readonly run: boolean };
  /** Told how many tokens it has before it, and what its session cost so far, whenever it says so. */
  readonly onUsage: (context: number, sessionUsd: number | null) => void;
}

/** The program ended, or does not speak the protocol; the message says which. */
export class AcpBroken extends Error {
  /** It was stopped for what it took: another process would take the same. */
  readonly overLimit: boolean;
  constructor(message: string, overLimit = false) {
    super(message);
    this.overLimit = overLimit;
  }
}

/**
 * One conversation with a coding agent over its standard input and output. It asks, we answer: what it wants done to files
 * and what it wants run waits here until somebody has decided and done it.
 */
export class AcpSession {
  readonly #root: string;
  readonly #peer: Peer;
  readonly #program: Program;
  readonly #open = new Map<string, { readonly rpc: RpcId; handed: boolean; readonly ask: Ask }>();
  readonly #terminals = new Map<string, { readonly output: string; readonly exitCode: number | null }>();
  /** Tells this process's asks from those of an earlier one. */
  readonly #generation = randomUUID().slice(0, 8);
  #sessionId = '';
  #asks = 0;
  #text = '';
  #seen: string[] = [];
  #ended: Extract<Turn, { status: 'ended' }> | null = null;
  #broken: string | null = null;
  #overLimit = false;
  #halted: { readonly why: unknown } | null = null;
  readonly #onUsage: AcpOptions['onUsage'];
  #wake: () => void = () => undefined;

  private constructor({ root, onUsage }: AcpOptions, peer: Peer, program: Program) {
    this.#root = root;
    this.#onUsage = onUsage;
    this.#peer = peer;
    this.#program = program;
  }

  /** Starts the program and opens a session. @throws AcpBroken */
  static async open(options: AcpOptions): Promise<AcpSession> {
    const { start, may } = options;
    const late: { session: AcpSession | null; program: Program | null } = { session: null, program: null };
    const peer = createPeer({
      say: (text) => late.program?.say(text),
      onRequest: (id, method, params) => {
        if (late.session !== null) late.session.#asked(id, method, params);
      },
      onNotification: (method, params) => {
        if (late.session !== null) late.session.#told(method, params);
      },
      onTrouble: (problem) => late.session?.breakOff(problem),
    });
    const program = await start((chunk) => peer.hear(chunk));
    late.program = program;
    const session = new AcpSession(options, peer, program);
    late.session = session;
    void program.done.then(
      ({ output, exitCode, ended }) => {
        const words = output.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
        const how =
          ended === null ? `it ended with exit code ${exitCode}` : `it was ended: ${ended.replace('_', ' ')}`;
        session.#overLimit = ended === 'resource_limit' || ended === 'output_limit';
        session.breakOff(words === '' ? how : `${how} (${words})`);
      },
      (error: unknown) => session.breakOff(error instanceof Error ? error.message : String(error)),
    );
    await session.#greet(may);
    return session;
  }

  async #greet(may: AcpOptions['may']): Promise<void> {
    try {
      const greeted = initializedSchema.parse(
        await this.#peer.request('initialize', {
          protocolVersion: ACP_VERSION,
          clientCapabilities: {
            fs: { readTextFile: may.read, writeTextFile: may.write },
            terminal: may.run,
          },
          clientInfo: { name: 'baton', title: 'Baton', version: '1' },
        }),
      );
      if (greeted.protocolVersion !== ACP_VERSION)
        throw new AcpBroken(
          `it speaks version ${greeted.protocolVersion} of the Agent Client Protocol, not 1`,
        );
      const opened = await this.#peer.request('session/new', { cwd: this.#root, mcpServers: [] });
      this.#sessionId = newSessionSchema.parse(opened).sessionId;
    } catch (error) {
      if (error instanceof AcpBroken) throw error;
      const why = this.#broken ?? (error instanceof Error ? error.message.slice(0, 300) : String(error));
      throw new AcpBroken(why);
    }
  }

  /** Sends what is to be done. The answer comes through `next`. */
  prompt(text: string): void {
    this.#text = '';
    this.#ended = null;
    void this.#peer
      .request('session/prompt', { sessionId: this.#sessionId, prompt: [{ type: 'text', text }] })
      .then((value) => {
        const { stopReason, usage } = promptedSchema.parse(value);
        const tokens = usage === null || usage === undefined ? null : tokensOf(usage);
        this.#ended = { status: 'ended', reason: stopReason, text: this.#text, seen: [], tokens };
        this.#wake();
      })
      .catch((error: unknown) =>
        this.breakOff(error instanceof Error ? error.message.slice(0, 500) : String(error)),
      );
  }

  /** What it asks, or how it ended, whatever comes first. @throws AcpBroken, or what it was halted for */
  async next(signal: AbortSignal): Promise<Turn> {
    for (;;) {
      if (this.#halted !== null) throw this.#halted.why;
      if (this.#broken !== null) throw new AcpBroken(this.#broken, this.#overLimit);
      const seen = this.#seen;
      if (this.#ended !== null) {
        this.#seen = [];
        return { ...this.#ended, seen };
      }
      const fresh = [...this.#open.values()].filter(({ handed }) => !handed);
      if (fresh.length > 0) {
        for (const one of fresh) one.handed = true;
        this.#seen = [];
        return { status: 'asks', asks: fresh.map(({ ask }) => ask), seen };
      }
      signal.throwIfAborted();
      const woken = Promise.withResolvers<void>();
      this.#wake = () => woken.resolve();
      signal.addEventListener('abort', this.#wake, { once: true });
      await woken.promise;
      signal.removeEventListener('abort', this.#wake);
    }
  }

  /** Answers an ask; those of an earlier process are nobody's any more. */
  answer(answer: Answer): void {
    const open = this.#open.get(answer.id);
    if (open === undefined) return;
    this.#open.delete(answer.id);
    this.#peer.reply(open.rpc, this.#replyTo(answer));
  }

  #replyTo(answer: Answer): RpcReply {
    switch (answer.kind) {
      case 'content':
        return { result: { content: answer.text } };
      case 'done':
        return { result: null };
      case 'ran': {
        const terminalId = answer.id;
        this.#terminals.set(terminalId, { output: answer.output, exitCode: answer.exitCode });
        return { result: { terminalId } };
      }
      case 'chosen':
        return {
          result: {
            outcome:
              answer.option === null
                ? { outcome: 'cancelled' }
                : { outcome: 'selected', optionId: answer.option },
          },
        };
      case 'refused':
        return { error: { code: RPC.internal, message: answer.why } };
      default:
        return answer satisfies never;
    }
  }

  /** Asks it to stop; it may say how far it has come. */
  cancel(): void {
    this.#peer.notify('session/cancel', { sessionId: this.#sessionId });
  }

  /** Nothing it says counts any more; its process is ended by whoever hears of it. */
  halt(why: unknown): void {
    this.#halted ??= { why };
    this.breakOff('it was halted');
  }

  breakOff(problem: string): void {
    this.#broken ??= problem;
    this.#peer.close(problem);
    this.#wake();
  }

  #told(method: string, params: Json): void {
    if (method !== 'session/update') return;
    const parsed = updateSchema.safeParse(params);
    if (!parsed.success) return;
    const { update } = parsed.data;
    if (update.sessionUpdate === 'agent_message_chunk') {
      if ('text' in update.content) this.#text = (this.#text + update.content.text).slice(-MAX_TEXT_CHARS);
      return;
    }
    if (update.sessionUpdate === 'usage_update') {
      const { used, cost } = update;
      this.#onUsage(used, cost?.currency === 'USD' ? cost.amount : null);
      return;
    }
    // What it said before it went back to work is no answer.
    if (update.sessionUpdate === 'tool_call') this.#text = '';
    const title = update.title?.replace(/\s+/g, ' ').slice(0, TITLE_CHARS);
    if (title !== undefined && this.#seen.length < MAX_SEEN && update.status !== 'in_progress')
      this.#seen.push(`${update.kind ?? 'tool'}: ${title}${update.status === 'failed' ? ' (failed)' : ''}`);
  }

  #asked(rpc: RpcId, method: string, params: Json): void {
    const direct = this.#direct(method, params);
    if (direct !== null) {
      this.#peer.reply(rpc, direct);
      return;
    }
    if (this.#open.size >= MAX_PENDING) {
      this.#peer.reply(rpc, { error: { code: RPC.internal, message: 'too many requests at once' } });
      return;
    }
    this.#asks += 1;
    const id = `${this.#generation}-${this.#asks}`;
    const ask = understandAsk({ id, method, params, root: this.#root });
    if ('error' in ask) {
      this.#peer.reply(rpc, ask);
      return;
    }
    this.#open.set(id, { rpc, handed: false, ask });
    this.#wake();
  }

  /** Commands have ended before their terminal is handed out, so what is asked of one is known. */
  #direct(method: string, params: Json): RpcReply | null {
    if (!method.startsWith('terminal/') || method === 'terminal/create') return null;
    const parsed = terminalSchema.safeParse(params);
    const terminal = parsed.success ? this.#terminals.get(parsed.data.terminalId) : undefined;
    if (!parsed.success || terminal === undefined) return invalid('there is no such terminal');
    const exit = { exitCode: terminal.exitCode, signal: terminal.exitCode === null ? 'SIGKILL' : null };
    switch (method) {
      case 'terminal/output':
        return { result: { output: terminal.output, truncated: false, exitStatus: exit } };
      case 'terminal/wait_for_exit':
        return { result: exit };
      case 'terminal/kill':
        return { result: null };
      case 'terminal/release':
        this.#terminals.delete(parsed.data.terminalId);
        return { result: null };
      default:
        return unknownMethod(method);
    }
  }

  /** Whether there is still somebody to talk to. */
  get alive(): boolean {
    return this.#broken === null;
  }

  finish(): void {
    this.#program.finish();
  }
}
