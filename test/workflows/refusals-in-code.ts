import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What is said where something is refused: the fixed parts of the sentence, in order. */
export interface Refusal {
  readonly where: string;
  readonly parts: readonly string[];
}

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Where files, nodes and rules are read. */
const FILES = ['src/workflows/{load,check-references,told}.ts', 'src/patterns/**/*.ts', 'src/rules/*.ts'];
/** Functions of the schemas, and of the checks behind them, that are given the words of a refusal. */
const SAYING = new Set(['say', 'refine', 'regex', 'refuse']);
/** Shorter ones stand in many sentences. */
const LEAST = 6;

/** Every sentence in the code with which a workflow file is refused. */
export function refusalsInCode(): Refusal[] {
  return FILES.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).flatMap((name) =>
    new Reader(readFileSync(path.join(ROOT, name), 'utf8')).refusals().flatMap(({ at, words }) => {
      const parts = words.map((part) => part.trim()).filter((part) => part.length >= LEAST);
      // A path or a name is no sentence.
      return parts.some((part) => part.includes(' ')) ? [{ where: `${name}:${at}`, parts }] : [];
    }),
  );
}

/** An open bracket: what stands before it, and where in it the reading is. */
interface Open {
  readonly sign: string;
  readonly before: string;
  readonly from: number;
  /** The key whose value is read, in an object. */
  key: string;
  readonly said: { readonly at: number; readonly words: string[] }[];
}

/** Goes through source text by its literals and brackets, which is all that is asked of it. */
class Reader {
  readonly #text: string;
  #at = 0;
  readonly #open: Open[] = [];
  readonly #found: { readonly at: number; readonly words: string[] }[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  refusals() {
    this.#read('');
    return this.#found;
  }

  /** Until the bracket that closes what was opened before; at the end of the text without one. */
  #read(until: string): void {
    const text = this.#text;
    while (this.#at < text.length) {
      const sign = text[this.#at] ?? '';
      const rest = text.slice(this.#at, this.#at + 2);
      if (rest === '//') this.#at = after(text.indexOf('\n', this.#at), text);
      else if (rest === '/*') this.#at = text.indexOf('*/', this.#at) + 2;
      else if (sign === '/' && /[(,=:[!&|?{};]\s*$/.test(text.slice(Math.max(0, this.#at - 40), this.#at)))
        this.#pattern();
      else if (sign === "'" || sign === '"') this.#literal(sign);
      else if (sign === '`') this.#template();
      else if ('([{'.includes(sign)) this.#begin(sign);
      else if (')]}'.includes(sign)) {
        this.#at += 1;
        if (sign === until && this.#open.length === 0) return;
        this.#end();
      } else {
        const top = this.#open.at(-1);
        const key = /^(\w+):(?!:)/.exec(text.slice(this.#at, this.#at + 40))?.[1];
        if (top !== undefined && key !== undefined && /[{,\s]$/.test(text.slice(0, this.#at))) top.key = key;
        else if (top !== undefined && sign === ',') top.key = '';
        this.#at += key?.length ?? 1;
      }
    }
  }

  #begin(sign: string): void {
    const before = /(\w+)\s*$/.exec(this.#text.slice(Math.max(0, this.#at - 60), this.#at))?.[1] ?? '';
    this.#open.push({ sign, before, from: this.#at, key: '', said: [] });
    this.#at += 1;
  }

  /** What an object says is a refusal unless it is a run's failure, which has a class. */
  #end(): void {
    const closed = this.#open.pop();
    if (closed === undefined) return;
    const isFailure = /\bclass: '/.test(this.#text.slice(closed.from, this.#at));
    if (!isFailure) this.#found.push(...closed.said);
  }

  #said(words: string[], from: number): void {
    const line = this.#text.slice(0, from).split('\n').length;
    const top = this.#open.at(-1);
    if (top === undefined) return;
    if (top.sign === '(' && SAYING.has(top.before)) this.#found.push({ at: line, words });
    else if (top.sign === '{' && top.key === 'message') top.said.push({ at: line, words });
  }

  #literal(quote: string): void {
    const from = this.#at;
    let end = from + 1;
    while (this.#text[end] !== quote) end += this.#text[end] === '\\' ? 2 : 1;
    this.#at = end + 1;
    this.#said([this.#text.slice(from + 1, end).replaceAll('\\', '')], from);
  }

  #template(): void {
    const from = this.#at;
    const words: string[] = [''];
    this.#at += 1;
    while (this.#text[this.#at] !== '`') {
      if (this.#text.startsWith('${', this.#at)) {
        const inner = new Reader(this.#text.slice(this.#at + 2));
        inner.#read('}');
        this.#at += 2 + inner.#at;
        words.push('');
      } else {
        const escaped = this.#text[this.#at] === '\\';
        if (escaped) this.#at += 1;
        words.push(`${words.pop() ?? ''}${this.#text[this.#at] ?? ''}`);
        this.#at += 1;
      }
    }
    this.#at += 1;
    this.#said(words, from);
  }

  #pattern(): void {
    let inClass = false;
    for (this.#at += 1; this.#text[this.#at] !== '/' || inClass; this.#at += 1) {
      const sign = this.#text[this.#at];
      if (sign === '\\') this.#at += 1;
      else if (sign === '[') inClass = true;
      else if (sign === ']') inClass = false;
    }
    this.#at += 1;
  }
}

function after(at: number, text: string): number {
  return at < 0 ? text.length : at + 1;
}
