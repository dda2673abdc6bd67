import { z } from 'zod';
import { parseJsonObject } from '../results.ts';
import type { Tokens } from '../transcript.ts';

/** Characters of one answer, or of one event of a stream, that are looked at: a whole answer may stand in its last event. */
const MAX_CHARS = 8 * 1024 * 1024;

const count = z.number().int().nonnegative().nullish();
/** As Chat Completions (`prompt_tokens`), Responses (`input_tokens`) and Anthropic's interface (`cache_…`) name them. */
const usageSchema = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z.object({ cached_tokens: count }).nullish(),
  completion_tokens_details: z.object({ reasoning_tokens: count }).nullish(),
  input_tokens: count,
  output_tokens: count,
  input_tokens_details: z.object({ cached_tokens: count }).nullish(),
  output_tokens_details: z.object({ reasoning_tokens: count }).nullish(),
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
});
const partSchema = z.object({ model: z.string().nullish(), usage: usageSchema.nullish() });
const saidSchema = partSchema.extend({ response: partSchema.nullish(), message: partSchema.nullish() });

/** What a model server said of one call: null where it did not. */
export interface ToldUsage {
  readonly model: string | null;
  readonly tokens: Tokens | null;
}

/**
 * Reads along while an answer passes to a program, and keeps what the server says of its model and tokens: of a stream of
 * events, or of one JSON. Several counts of one call are of the call so far, so the largest of each counts.
 */
export class UsageReader {
  readonly #stream: boolean;
  readonly #decoder = new TextDecoder();
  #rest = '';
  #model: string | null = null;
  #tokens: Tokens | null = null;

  constructor(contentType: string) {
    this.#stream = contentType.includes('event-stream');
  }

  hear(chunk: Buffer): void {
    if (this.#rest.length > MAX_CHARS) return;
    this.#rest += this.#decoder.decode(chunk, { stream: true });
    if (!this.#stream) return;
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) this.#read(line.slice('data:'.length));
  }

  end(): ToldUsage {
    const last = this.#rest.length > MAX_CHARS ? '' : this.#rest;
    this.#read(this.#stream ? last.replace(/^data:/, '') : last);
    return { model: this.#model, tokens: this.#tokens };
  }

  #read(text: string): void {
    // Nearly every event of a stream holds a word of the answer and neither of the two.
    if (this.#model !== null && !text.includes('"usage"')) return;
    const said = saidSchema.safeParse(parseJsonObject(text));
    if (!said.success) return;
    for (const part of [said.data, said.data.response, said.data.message]) {
      this.#model = part?.model ?? this.#model;
      if (part?.usage !== null && part?.usage !== undefined) this.#count(part.usage);
    }
  }

  #count(usage: z.infer<typeof usageSchema>): void {
    const told = usage.prompt_tokens ?? usage.input_tokens ?? usage.completion_tokens ?? usage.output_tokens;
    if (told === null || told === undefined) return;
    const cachedApart = usage.cache_read_input_tokens ?? 0;
    const input =
      (usage.prompt_tokens ?? usage.input_tokens ?? 0) +
      cachedApart +
      (usage.cache_creation_input_tokens ?? 0);
    const output = usage.completion_tokens ?? usage.output_tokens ?? 0;
    const cached =
      usage.prompt_tokens_details?.cached_tokens ?? usage.input_tokens_details?.cached_tokens ?? cachedApart;
    const reasoning =
      usage.completion_tokens_details?.reasoning_tokens ?? usage.output_tokens_details?.reasoning_tokens ?? 0;
    const most = { input, output, cached: Math.min(cached, input), reasoning: Math.min(reasoning, output) };
    const before = this.#tokens;
    this.#tokens = {
      input: Math.max(most.input, before?.input ?? 0),
      cached: Math.max(most.cached, before?.cached ?? 0),
      output: Math.max(most.output, before?.output ?? 0),
      reasoning: Math.max(most.reasoning, before?.reasoning ?? 0),
    };
  }
}
