import { execFileSync } from 'node:child_process';
import type { Core } from '../../src/compose/core.ts';
import type { Verdict } from '../../src/domain/approval.ts';
import type { Node } from '../../src/domain/workflow.ts';
import {
  type Answer,
  coreAt,
  Ended,
  foldersOf,
  followRun,
  openPlace,
  startRun,
  workflowOf,
} from '../support/core.ts';

/** Whole workflows with streams: real engine, real git, real tools, scripted words. */

/** Writes a file, then says so; `node` is what the cast knows it by. */
export function writes(node: string, file: string, content: string, turn = 0): string {
  const args = `{ path: ${JSON.stringify(file)}, content: ${JSON.stringify(content)} }`;
  return `
    - when: { node: ${node}, turn: ${turn} }
      calls: [{ tool: write, arguments: ${args} }]`;
}

export const castOf = (...lines: readonly string[]): string => `name: Streams
roles:
  any:${lines.join('')}
    - when: { kind: work }
      result: { summary: done, files: [], warnings: [] }
`;

export const agent = (id: string): Node => ({ kind: 'agent', id, agent: 'backend', task: `Do ${id}` });
export const check = (id: string, ...argv: string[]): Node => ({ kind: 'command', id, run: argv });

export const always =
  (verdict: Verdict): Answer =>
  () =>
    Promise.resolve(verdict);

export interface StreamsWorld {
  readonly core: Core;
  /** Runs a tree to its end, or to where it pauses. */
  play(name: string, answer?: Answer): Promise<Ended>;
  git(...args: string[]): string;
  /** A file as the branch has it in the end; null: it is not there. */
  onBranch(ended: Ended, file: string): string | null;
  /** Names of files under a ref that people find the work of streams by, and that holds this in its name. */
  kept(ended: Ended, stream: string): string[];
  /** Folders of a run that are still there. */
  left(runId: string): string[];
  close(): Promise<void>;
}

export async function openStreams(
  cast: string,
  trees: Readonly<Record<string, Node>>,
): Promise<StreamsWorld> {
  const place = await openPlace(cast);
  const core = await coreAt(place, {
    extraWorkflows: Object.entries(trees).map(([name, flow]) => workflowOf(`s-${name}`, flow)),
  });
  core.engine.recover();
  let count = 0;
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: core.defaultRepository,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  return {
    core,
    async play(name, answer = always('approve')) {
      count += 1;
      const ended = await followRun(core, await startRun(core, `s-${name}`, `${name} ${count}`), answer);
      return ended ?? new Ended('', 'lost', []);
    },
    git,
    onBranch({ branch }, file) {
      try {
        return git('show', `${branch}:${file}`);
      } catch {
        return null;
      }
    },
    kept({ runId }, stream) {
      const refs = git('for-each-ref', '--format=%(refname)', 'refs/baton/tip/').split('\n');
      return refs
        .filter((ref) => ref.includes(`${runId}.${stream}`))
        .flatMap((ref) => git('ls-tree', '--name-only', ref).trim().split('\n'));
    },
    left: (runId) => foldersOf(place.home, runId),
    async close() {
      await core.stop();
      await place.close();
    },
  };
}
