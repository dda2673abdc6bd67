import { z } from 'zod';
import type { ChangedFile } from '../../ports/workspace.ts';
import type { Finding } from './change.ts';

const manifestSchema = z.looseObject({
  dependencies: z.record(z.string(), z.unknown()).optional(),
  devDependencies: z.record(z.string(), z.unknown()).optional(),
  optionalDependencies: z.record(z.string(), z.unknown()).optional(),
  peerDependencies: z.record(z.string(), z.unknown()).optional(),
  overrides: z.record(z.string(), z.unknown()).optional(),
  bundledDependencies: z.union([z.array(z.string()), z.boolean()]).optional(),
  bundleDependencies: z.union([z.array(z.string()), z.boolean()]).optional(),
  scripts: z.record(z.string(), z.unknown()).optional(),
  require: z.record(z.string(), z.unknown()).optional(),
  'require-dev': z.record(z.string(), z.unknown()).optional(),
});

/** Scripts that run by themselves when something is installed: code of others comes in by them as well. */
const WHEN_INSTALLED = /^(pre|post)?(install|prepare)$|^prepublish$/;

/** A version is no new dependency; where it comes from is: an address, a path, another name. */
const ELSEWHERE = /[:/]/;

type Names = (text: string) => ReadonlySet<string>;

const lines =
  (pattern: RegExp): Names =>
  (text) =>
    new Set([...text.matchAll(pattern)].map((found) => (found[1] ?? found[0]).toLowerCase()));

/** How each kind of manifest names what it needs. */
const MANIFESTS: readonly (readonly [RegExp, Names])[] = [
  [/(^|\/)(package|composer)\.json$/, namesOfJson],
  [/(^|\/)requirements[^/]*\.(txt|in)$/, lines(/^[ \t]*((?:-[er] +)?[^\s#;=<>!~[]+)/gm)],
  [
    /(^|\/)(pyproject\.toml|Pipfile|setup\.(py|cfg))$/,
    lines(/^[ \t]*["']?([A-Za-z0-9][\w.-]*)["']?[ \t]*(?:\[[^\]]*\])?[ \t]*(?:[=<>!~]|["',]|$)/gm),
  ],
  [/(^|\/)Cargo\.toml$/, lines(/^[ \t]*(\[[^\]]*dependencies[^\]]*\]|[\w-]+)[ \t]*(?==|$|\.)/gm)],
  [/(^|\/)go\.mod$/, lines(/^[ \t]*((?:require[ \t]+|replace[ \t]+)?[\w.-]+\.[\w.-]+\/[^\s]+)/gm)],
  [/(^|\/)Gemfile$|\.gemspec$/, lines(/^[ \t]*(?:gem|\w+\.add_\w*dependency)[ \t(]*["']([^"']+)/gm)],
  [/(^|\/)pom\.xml$/, lines(/<artifactId>\s*([^<\s]+)\s*<\/artifactId>/g)],
  [/\.gradle(\.kts)?$/, lines(/["']([\w.-]+:[\w.-]+)(?::[^"']*)?["']/g)],
];
/** What was resolved. Without its manifest nobody should have had to change it. */
const LOCKS =
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|Cargo\.lock|go\.sum|Gemfile\.lock|composer\.lock)$/;

/** Code of others comes in: a new name in a manifest, or a lock file that changed without one. */
export function newDependencies(files: readonly ChangedFile[]): Finding[] {
  const found = files.flatMap(({ path, before, after, unread }): Finding[] => {
    const names = MANIFESTS.find(([pattern]) => pattern.test(path))?.[1];
    if (names === undefined || after === null) return [];
    if (unread) return [{ path, why: 'it is too large to read' }];
    const known = names(before ?? '');
    const added = [...names(after)].filter((name) => !known.has(name));
    return added.length === 0 ? [] : [{ path, why: `new: ${added.slice(0, 5).join(', ')}` }];
  });
  const manifests = new Set(
    files.filter(({ path }) => MANIFESTS.some(([p]) => p.test(path))).map(({ path }) => folder(path)),
  );
  const alone = files.filter(
    ({ path, after }) => LOCKS.test(path) && after !== null && !manifests.has(folder(path)),
  );
  return [
    ...found,
    ...alone.map(({ path }) => ({ path, why: 'what is resolved changes without its manifest' })),
  ];
}

function folder(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function namesOfJson(text: string): ReadonlySet<string> {
  if (text.trim() === '') return new Set();
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return new Set([`(unreadable) ${text.length}`]);
  }
  const manifest = manifestSchema.safeParse(data);
  if (!manifest.success) return new Set([`(unreadable) ${text.length}`]);
  const { dependencies, devDependencies, optionalDependencies, peerDependencies, overrides } = manifest.data;
  const all = [
    dependencies,
    devDependencies,
    optionalDependencies,
    peerDependencies,
    overrides,
    manifest.data.require,
    manifest.data['require-dev'],
  ];
  const { bundledDependencies = [], bundleDependencies = [], scripts = {} } = manifest.data;
  const bundled = [bundledDependencies, bundleDependencies].flatMap((each) =>
    typeof each === 'boolean' ? [] : each,
  );
  const run = Object.entries(scripts).filter(([name]) => WHEN_INSTALLED.test(name));
  return new Set([
    ...bundled.map((name) => `${name} (bundled)`),
    ...run.map(([name, script]) => `the script ${name}: ${JSON.stringify(script)}`),
    ...all.flatMap((each) =>
      Object.entries(each ?? {}).map(([name, spec]) =>
        typeof spec === 'string' && !ELSEWHERE.test(spec) ? name : `${name} from ${JSON.stringify(spec)}`,
      ),
    ),
  ]);
}
