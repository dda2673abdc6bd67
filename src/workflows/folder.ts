import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { callsOf } from '../domain/sub-workflows.ts';
import type { Workflow } from '../domain/workflow.ts';
import { loadWorkflow, type TreeRules } from './load.ts';

export interface FolderOptions {
  /** It need not be there, and may come and go. */
  readonly folder: string;
  readonly rules: TreeRules;
  /** Workflows that those of this folder may call beside one another. */
  readonly beside: readonly Workflow[];
  /** Names that no workflow may have. */
  readonly reserved: readonly string[];
  /** Told once for each state of a file that cannot be used. */
  readonly onProblem: (problem: string) => void;
}

export interface FolderState {
  readonly workflows: readonly Workflow[];
  /** What is wrong now, as file:line:column, and which version is used instead. */
  readonly problems: readonly string[];
}

interface KnownFile {
  /** What tells one state of the file from another without reading it. */
  readonly stamp: string;
  /** The newest version that could be used. */
  readonly good: Workflow | null;
  readonly problems: readonly string[];
}

/**
 * The workflow files of a folder, each read again when it has changed. A file that cannot be used keeps its last good
 * version; a file that is gone takes its workflow with it. Runs hold their own definition and notice none of this.
 */
export class WorkflowFolder {
  readonly #options: FolderOptions;
  #files: ReadonlyMap<string, KnownFile> = new Map();
  #state: FolderState = { workflows: [], problems: [] };
  /** While the folder itself cannot be looked into: everything as it was, and why. */
  #trouble: FolderState | null = null;

  constructor(options: FolderOptions) {
    this.#options = options;
  }

  /** The folder as it is now; the same object as before when nothing has changed. Never throws. */
  read(): FolderState {
    try {
      const state = this.#look();
      this.#trouble = null;
      return state;
    } catch (error) {
      return this.#unreadable(error);
    }
  }

  #unreadable(error: unknown): FolderState {
    if (this.#trouble !== null) return this.#trouble;
    const why = error instanceof Error ? error.message : String(error);
    const problem = `${this.#options.folder}: The folder cannot be read (${why})`;
    this.#options.onProblem(problem);
    this.#trouble = {
      workflows: this.#state.workflows,
      problems: [...this.#state.problems, problem],
    };
    return this.#trouble;
  }

  #look(): FolderState {
    const before = this.#files;
    const now = new Map<string, KnownFile>();
    for (const name of this.#names()) {
      const known = before.get(name);
      const stamp = stampOf(path.join(this.#options.folder, name));
      if (stamp === null) continue;
      now.set(name, known?.stamp === stamp ? known : this.#readFile(name, stamp, known?.good ?? null));
    }
    this.#checkCalls(now, before);
    const same = now.size === before.size && [...now].every(([name, file]) => before.get(name) === file);
    if (same) return this.#state;
    this.#files = now;
    this.#state = {
      workflows: [...now.values()].flatMap(({ good }) => good ?? []),
      problems: [...now.values()].flatMap(({ problems }) => problems),
    };
    return this.#state;
  }

  /** What a changed file calls, and whether it comes back to itself, can be told only once all of them are read. */
  #checkCalls(now: Map<string, KnownFile>, before: ReadonlyMap<string, KnownFile>): void {
    const { beside, rules } = this.#options;
    const all = new Map(
      [...beside, ...[...now.values()].flatMap(({ good }) => good ?? [])].map((each) => [each.name, each]),
    );
    const withCalls = { ...rules, workflow: (name: string) => all.get(name), workflowNames: [...all.keys()] };
    for (const [name, file] of now) {
      if (file === before.get(name) || file.problems.length > 0 || file.good === null) continue;
      if (callsOf(file.good.flow).length > 0)
        now.set(name, this.#readFile(name, file.stamp, before.get(name)?.good ?? null, withCalls));
    }
  }

  #names(): string[] {
    try {
      return readdirSync(this.#options.folder)
        .filter((name) => name.endsWith('.yaml') || name.endsWith('.yml'))
        .sort();
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  }

  #readFile(name: string, stamp: string, last: Workflow | null, rules = this.#options.rules): KnownFile {
    const file = path.join(this.#options.folder, name);
    const found = this.#load(file, rules);
    if (!Array.isArray(found)) return { stamp, good: found, problems: [] };
    const kept = last === null ? '' : ` (the last good version of "${last.name}" is used)`;
    const problems = found.map((problem) => `${file}:${problem}${kept}`);
    for (const problem of problems) this.#options.onProblem(problem);
    return { stamp, good: last, problems };
  }

  /** The workflow, or what is wrong with it. */
  #load(file: string, rules: TreeRules): Workflow | string[] {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      return [`1:1: The file cannot be read (${error instanceof Error ? error.message : String(error)})`];
    }
    const loaded = loadWorkflow(text, rules);
    if (!loaded.ok)
      return loaded.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
    const { name } = loaded.workflow;
    return this.#options.reserved.includes(name)
      ? [`1:1: A workflow cannot be called "${name}": that is a word of /orchestrate. Give it another name.`]
      : loaded.workflow;
  }
}

/** Null when there is no such file (any more). The change time tells when a tool has set the modification time back. */
function stampOf(file: string): string | null {
  try {
    const { mtimeNs, ctimeNs, size, ino } = statSync(file, { bigint: true });
    return [mtimeNs, ctimeNs, size, ino].join(' ');
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
