/** A small repository with a failing test, and the calls with which a model that understood it would mend it. */
export interface RepairTask {
  readonly id: string;
  /** What is wrong, in the field's words. */
  readonly defect: string;
  /** Sources and tests; a package.json is added. */
  readonly files: Readonly<Record<string, string>>;
  /** The command that tests it; `npm test` unless given. */
  readonly test?: readonly string[];
  /** What is read before anything is changed. */
  readonly reads: readonly string[];
  readonly fix: readonly {
    readonly name: 'edit' | 'patch' | 'write' | 'run';
    readonly args: Readonly<Record<string, unknown>>;
  }[];
}

/** A test file: each check is a test of its own. */
export const test = (from: string, names: string, ...checks: readonly string[]) =>
  [
    `import assert from 'node:assert/strict';`,
    `import { test } from 'node:test';`,
    `import { ${names} } from '${from}';`,
    ...checks.map((check, at) => `test('case ${at + 1}', async () => { ${check} });`),
    '',
  ].join('\n');

export const edit = (path: string, before: string, after: string) => ({
  name: 'edit' as const,
  args: { path, before, after },
});
export const patch = (...lines: readonly string[]) => ({
  name: 'patch' as const,
  args: { patch: `${lines.join('\n')}\n` },
});
export const write = (path: string, content: string) => ({ name: 'write' as const, args: { path, content } });
export const run = (...argv: readonly string[]) => ({ name: 'run' as const, args: { argv } });
