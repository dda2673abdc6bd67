import { z } from 'zod';
import { parseJsonObject } from '../results.ts';

/** What a task has used so far, as the caps of its step count it. */
export const taskSpentSchema = z.object({ turns: z.number(), tokens: z.number(), usd: z.number() });
export type TaskSpent = z.infer<typeof taskSpentSchema>;

export const nothingSpent: TaskSpent = { turns: 0, tokens: 0, usd: 0 };

export function addSpent(a: TaskSpent, b: TaskSpent): TaskSpent {
  return { turns: a.turns + b.turns, tokens: a.tokens + b.tokens, usd: a.usd + b.usd };
}

const count = z.number().int().nonnegative();

/** One call of a model, as a program tells it on a line of its own: `{"usage": {"input": 1200, "output": 80}}`. */
const toldCallSchema = z.strictObject({
  model: z.string().min(1).max(200).exactOptional(),
  input: count,
  /** Of `input`. */
  cached: count.default(0),
  output: count,
  /** Of `output`. */
  reasoning: count.default(0),
  /** US dollars, where the program knows what the call cost. */
  usd: z.number().nonnegative().exactOptional(),
});
export type ToldCall = z.infer<typeof toldCallSchema>;
const reportSchema = z.strictObject({ usage: toldCallSchema });

/** What a program prints: its result, and between the lines of it what it uses. */
export class PrintedText {
  readonly #told: (call: ToldCall) => void;
  readonly #decoder = new TextDecoder();
  readonly #kept: string[] = [];
  #rest = '';

  constructor(told: (call: ToldCall) => void) {
    this.#told = told;
  }

  hear(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(`${line}\n`);
  }

  /** All it printed but for what it told of its use. */
  end(): string {
    this.#line(this.#rest);
    this.#rest = '';
    return this.#kept.join('');
  }

  #line(line: string): void {
    const report = line.trimStart().startsWith('{"usage"')
      ? reportSchema.safeParse(parseJsonObject(line))
      : null;
    if (report?.success === true) this.#told(report.data.usage);
    else this.#kept.push(line);
  }
}
