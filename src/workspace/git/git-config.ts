import type { GitArgs } from './git-verbs.ts';

/** Fixed for every call, so that nothing a repository carries runs and what we write outlives a power cut. */
export const FIXED_CONFIG = [
  'core.alternateRefsCommand=true',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.fsync=all',
  'core.quotePath=false',
  'core.sparseCheckout=false',
  'core.splitIndex=false',
  'core.untrackedCache=false',
  // An empty one takes back those named before it, in whatever section.
  'credential.helper=',
  'diff.ignoreSubmodules=all',
  'fetch.recurseSubmodules=false',
  'gc.auto=0',
  'i18n.commitEncoding=UTF-8',
  'maintenance.auto=false',
  // Merges come out the same whatever the machine's owner likes to see.
  'merge.conflictStyle=merge',
  'merge.directoryRenames=conflict',
  'merge.renames=true',
  'merge.renormalize=false',
  'protocol.ext.allow=never',
  'safe.bareRepository=explicit',
  'submodule.recurse=false',
];

/**
 * Which program stands at the other end of a remote, said outright: configuration may name another one, which for a folder of
 * this machine runs here, and the first one named wins. Hooks of such a folder do not run.
 */
export function otherEnd(args: GitArgs): readonly string[] {
  const [verb, ...rest] = args;
  const side =
    verb === 'push' ? 'receive-pack' : verb === 'fetch' || verb === 'ls-remote' ? 'upload-pack' : null;
  if (side === null) return args;
  const here = rest.some((each) => each.startsWith('/') || each.startsWith('file:'));
  const program = here ? `git -c core.hooksPath=/dev/null -c core.fsmonitor=false ${side}` : `git-${side}`;
  return [verb, `--${side}=${program}`, ...rest];
}

export interface Override {
  readonly key: string;
  readonly value: string;
}

/**
 * What has to be set so that no program named in the configuration runs: content filters (git-lfs included), merge drivers and
 * hooks defined by configuration. An empty filter command passes content through unchanged (gitattributes(5)).
 */
export function neutralise(config: ReadonlyMap<string, string>): Override[] {
  const overrides: Override[] = [];
  for (const key of config.keys()) {
    const filter = /^(filter\.[\s\S]*)\.(?:clean|smudge|process|required)$/.exec(key)?.[1];
    if (filter !== undefined) {
      for (const name of ['clean', 'smudge', 'process'])
        overrides.push({ key: `${filter}.${name}`, value: '' });
      overrides.push({ key: `${filter}.required`, value: 'false' });
    }
    // An empty driver would take one side silently; this one does what git does for text.
    const driver = /^merge\.[\s\S]*\.driver$/.exec(key)?.[0];
    if (driver !== undefined) overrides.push({ key: driver, value: 'git merge-file -q %A %O %B' });
    const hook = /^(hook\.[\s\S]*)\.(?:command|event)$/.exec(key)?.[1];
    if (hook !== undefined) overrides.push({ key: `${hook}.enabled`, value: 'false' });
  }
  return overrides;
}
