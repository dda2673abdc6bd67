import { z } from 'zod';
import type { BoundGit } from './git/git.ts';

/** What `npm init` writes where nobody has written a test script yet. */
const NPM_DEFAULT = 'no test specified';
/** Bytes of a manifest worth reading. */
const MAX_MANIFEST_BYTES = 1024 * 1024;

const manifestSchema = z.object({ scripts: z.object({ test: z.string().optional() }).optional() });

/**
 * The argv of the test command a repository's files point to, or null. Read from the commit, since uncommitted
 * changes are no part of the work.
 * @param files all tracked paths at `commit`
 */
export async function recogniseTestCommand(
  git: BoundGit,
  commit: string,
  files: ReadonlySet<string>,
): Promise<string[] | null> {
  const read = async (path: string) => {
    if (!files.has(path)) return null;
    const { stdout } = await git.run(['cat-file', 'blob', `${commit}:${path}`], {
      maxBytes: MAX_MANIFEST_BYTES,
      cutOutput: true,
      answers: [128],
    });
    return stdout.toString('utf8');
  };
  return (
    nodeCommand(await read('package.json'), files) ??
    (await pythonCommand(read, files)) ??
    (files.has('Cargo.toml') ? ['cargo', 'test'] : null) ??
    (files.has('go.mod') ? ['go', 'test', './...'] : null) ??
    makeCommand((await read('Makefile')) ?? (await read('makefile')))
  );
}

function nodeCommand(manifest: string | null, files: ReadonlySet<string>): string[] | null {
  if (manifest === null) return null;
  const script = testScript(manifest)?.trim();
  if (script !== undefined && script !== '' && !script.includes(NPM_DEFAULT)) {
    // The same thing without the detour, so that it also works where npm is not installed.
    return script === 'node --test' ? ['node', '--test'] : ['npm', 'test'];
  }
  const hasTests = [...files].some((path) => /(?:^|\/)test\/.*\.[cm]?js$|\.test\.[cm]?js$/.test(path));
  return hasTests ? ['node', '--test'] : null;
}

function testScript(manifest: string): string | undefined {
  try {
    return manifestSchema.parse(JSON.parse(manifest)).scripts?.test;
  } catch {
    return undefined;
  }
}

async function pythonCommand(
  read: (path: string) => Promise<string | null>,
  files: ReadonlySet<string>,
): Promise<string[] | null> {
  const command = ['python3', '-m', 'pytest', '-q'];
  if (files.has('pytest.ini') || files.has('conftest.py') || files.has('tests/conftest.py')) return command;
  if (/^\[tool\.pytest/m.test((await read('pyproject.toml')) ?? '')) return command;
  const isProject = ['pyproject.toml', 'setup.py', 'setup.cfg', 'requirements.txt'].some((name) =>
    files.has(name),
  );
  return isProject && [...files].some((path) => /(?:^|\/)test_[^/]*\.py$/.test(path)) ? command : null;
}

function makeCommand(makefile: string | null): string[] | null {
  return makefile !== null && /^test\s*:(?!=)/m.test(makefile) ? ['make', 'test'] : null;
}
