import { pathMatches } from '../../domain/glob.ts';
import type { ChangedFile } from '../../ports/workspace.ts';
import type { Finding } from './change.ts';

/** What shapes a system as a whole, where nothing else is said: its decisions, its builds, where and how it runs. */
const ARCHITECTURE = [
  'ARCHITECTURE.md',
  'docs/adr/',
  'docs/architecture/',
  'adr/',
  'Dockerfile',
  'Dockerfile.*',
  'docker-compose*.yml',
  'docker-compose*.yaml',
  'compose.yaml',
  'compose.yml',
  '*.tf',
  '*.tfvars',
  'k8s/',
  'kubernetes/',
  'helm/',
  'charts/',
  '.github/workflows/',
  '.gitlab-ci.yml',
  'Jenkinsfile',
  'serverless.yml',
  'nx.json',
  'turbo.json',
  'pnpm-workspace.yaml',
  'lerna.json',
  'WORKSPACE',
  'MODULE.bazel',
  'CODEOWNERS',
];
/** The beginning of a part with a life of its own. */
const NEW_PART = /(^|\/)(package\.json|go\.mod|Cargo\.toml|pyproject\.toml|pom\.xml|build\.gradle(\.kts)?)$/;

/** @param patterns in place of the usual ones; none: the usual ones */
export function architectureChanges(files: readonly ChangedFile[], patterns: readonly string[]): Finding[] {
  const named = touching(files, patterns.length > 0 ? patterns : ARCHITECTURE);
  const parts = files.flatMap(({ path, before, after }): Finding[] => {
    if (!NEW_PART.test(path) || (before !== null && after !== null)) return [];
    return [
      {
        path,
        why:
          before === null ? 'a new part with a build of its own' : 'a part with a build of its own is gone',
      },
    ];
  });
  return [...named, ...parts];
}

/** Files whose place was named. */
export function touching(files: readonly ChangedFile[], patterns: readonly string[]): Finding[] {
  return files.flatMap(({ path }): Finding[] => {
    const pattern = patterns.find((each) => pathMatches(each, path));
    return pattern === undefined ? [] : [{ path, why: `matches ${pattern}` }];
  });
}
