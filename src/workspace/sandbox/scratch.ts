import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatonError } from '../../domain/failure.ts';
import type { Workspace } from '../../ports/workspace.ts';
import { BOUNDS } from './bounds.ts';
import { contain } from './command.ts';
import { type Sandbox, wrapCommand } from './sandbox.ts';

/** An empty folder in the sandbox that commands run in, to try a program where there is no work yet. */
export interface Scratch extends Pick<Workspace, 'start'> {
  remove(): Promise<void>;
}

export async function createScratch(sandbox: Sandbox): Promise<Scratch> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'baton-scratch-')));
  const worktree = join(folder, 'worktree');
  await mkdir(worktree);
  await writeFile(join(worktree, '.git'), '');
  const place = { worktree, gitDir: folder, common: folder, side: join(folder, 'side') };
  return {
    async start(request) {
      if (sandbox.kind === 'none' && !request.allowUnsandboxed)
        throw new BatonError({ class: 'needs_person', code: 'sandbox_missing', message: sandbox.reason });
      const { argv, timeoutMs, signal } = request;
      const wrapped = await wrapCommand(sandbox, place, argv, timeoutMs, BOUNDS.sequence, request);
      const { input, done } = contain({
        ...wrapped,
        cwd: worktree,
        timeoutMs,
        signal,
        group: null,
        residentBytes: BOUNDS.sequence.memoryBytes,
        monotonic: () => performance.now(),
        talk: request.hear,
      });
      return { say: (text) => void input?.write(text), finish: () => void input?.end(), done };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
