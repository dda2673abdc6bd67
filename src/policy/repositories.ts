import { realpathSync } from 'node:fs';
import path from 'node:path';
import { globMatches } from '../domain/glob.ts';

/**
 * Which repositories people may name. A rule is a path or an address; one that ends in `/*` allows all below it.
 * Paths are compared as they really lie, so that `..` and links lead nowhere else.
 */
export function repositoryAllowed(location: string, rules: readonly string[]): boolean {
  const wanted = settle(location);
  return rules.some((rule) => {
    if (!rule.endsWith('/*')) return settle(rule) === wanted;
    const above = settle(rule.slice(0, -2));
    return wanted.startsWith(`${above}/`) && wanted.length > above.length + 1;
  });
}

/** Whether a rule of the settings means a repository: its place, or the end of it as people name it ("acme/web"). */
export function sameRepository(rule: string, repository: string): boolean {
  if (repositoryAllowed(repository, [rule])) return true;
  return globMatches(rule, repository) || settle(repository).replaceAll(':', '/').endsWith(`/${rule}`);
}

/** One spelling for each place: real paths, and addresses without case in the host, `.git` or a slash at the end. */
function settle(location: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(location)) {
    if (!URL.canParse(location)) return location;
    const url = new URL(location);
    if (url.protocol === 'file:') return real(decodeURIComponent(url.pathname));
    return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '').replace(/\.git$/, '')}`;
  }
  // git's short form for ssh: somebody@host:path
  const short = /^([^/@:]+@)?([^/:]+):(?!\/\/)(.+)$/.exec(location);
  if (short !== null && !location.startsWith('/'))
    return `${short[1] ?? ''}${(short[2] ?? '').toLowerCase()}:${(short[3] ?? '').replace(/\.git$/, '')}`;
  return real(location);
}

function real(file: string): string {
  const resolved = path.resolve(file);
  try {
    return realpathSync(resolved);
  } catch {
    // What is not there cannot be read either; its name alone is compared.
    return resolved;
  }
}
