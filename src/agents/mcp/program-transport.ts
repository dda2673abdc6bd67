import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type JSONRPCMessage, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Program } from '../../ports/workspace.ts';

/** Characters of one message: a large result is a tenth of it. */
const MAX_MESSAGE_CHARS = 1024 * 1024;
/** Lines that are no message: some programs print a greeting. */
const MAX_STRAY_LINES = 50;
/** Messages beyond a few per request of ours: whoever sends so many floods. */
const FREE_MESSAGES = 500;
const MESSAGES_PER_REQUEST = 100;

/** A program of ours in its sandbox, spoken to over its standard input and output, one message a line. */
export class ProgramTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #begin: (hear: (chunk: Buffer) => void) => Promise<Program>;
  readonly #decoder = new TextDecoder();
  #program: Program | null = null;
  #rest = '';
  #stray = 0;
  #heard = 0;
  #said = 0;
  #over = false;
  #problem: string | null = null;

  constructor(begin: (hear: (chunk: Buffer) => void) => Promise<Program>) {
    this.#begin = begin;
  }

  /** What it did wrong, or how it ended, in words; null while it lives. */
  get problem(): string | null {
    return this.#problem;
  }

  async start(): Promise<void> {
    const program = await this.#begin((chunk) => this.#hear(chunk));
    this.#program = program;
    void program.done.then(
      ({ exitCode, ended, output }) => {
        const how = ended === null ? `it ended with exit code ${exitCode}` : `it was ended (${ended})`;
        const last = output.trim().split('\n').at(-1)?.slice(0, 200) ?? '';
        this.#end(last === '' ? how : `${how}: ${last}`);
      },
      (error: unknown) => this.#end(error instanceof Error ? error.message : String(error)),
    );
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#over) throw new Error(this.#problem ?? 'it has ended');
    this.#said += 1;
    this.#program?.say(`${JSON.stringify(message)}\n`);
  }

  async close(): Promise<void> {
    this.#end('it was closed');
  }

  #hear(chunk: Buffer): void {
    if (this.#over) return;
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (this.#over) return;
      this.#take(line);
    }
    if (this.#rest.length > MAX_MESSAGE_CHARS) this.#end('it sent a message of more than 1 MB');
  }

  #take(line: string): void {
    if (line.trim() === '') return;
    this.#heard += 1;
    const allowed = FREE_MESSAGES + this.#said * MESSAGES_PER_REQUEST;
    if (line.length > MAX_MESSAGE_CHARS) this.#end('it sent a message of more than 1 MB');
    else if (this.#heard > allowed) this.#end(`it sent ${this.#heard} messages that nobody asked for`);
    else this.#pass(parse(line));
  }

  #pass(message: JSONRPCMessage | null): void {
    if (message !== null) {
      this.onmessage?.(message);
      return;
    }
    this.#stray += 1;
    if (this.#stray > MAX_STRAY_LINES) this.#end('it prints text where it should speak its protocol');
  }

  #end(problem: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#problem = problem;
    this.#program?.finish();
    this.onclose?.();
  }
}

function parse(line: string): JSONRPCMessage | null {
  try {
    const parsed = JSONRPCMessageSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
