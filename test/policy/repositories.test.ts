import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryAllowed } from '../../src/policy/repositories.ts';

describe('repositories people may name', () => {
  let root = '';
  beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'baton-allowed-')));
    mkdirSync(join(root, 'code/web'), { recursive: true });
    mkdirSync(join(root, 'private'));
    symlinkSync(join(root, 'private'), join(root, 'code/sneaky'));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test('below a folder, and nothing beside it', () => {
    const rules = [`${root}/code/*`];
    expect(repositoryAllowed(`${root}/code/web`, rules)).toBe(true);
    expect(repositoryAllowed(`file://${root}/code/web`, rules)).toBe(true);
    expect(repositoryAllowed(`${root}/code`, rules)).toBe(false);
    expect(repositoryAllowed(`${root}/code/../private`, rules)).toBe(false);
    expect(repositoryAllowed(`${root}/code/sneaky`, rules)).toBe(false);
    expect(repositoryAllowed(`${root}/codex`, rules)).toBe(false);
    expect(repositoryAllowed('/', rules)).toBe(false);
  });

  test.each([
    ['https://github.com/acme/web', true],
    ['https://github.com/acme/web.git', true],
    ['https://GitHub.com/acme/web/', true],
    ['https://github.com/acme', false],
    ['https://github.com/acme/../evil/web', false],
    ['https://github.com.evil.test/acme/web', false],
    ['https://github.com@evil.test/acme/web', false],
    ['http://github.com/acme/web', false],
    ['git@github.com:acme/web.git', true],
    ['git@github.com:acme/../evil', false],
    ['ext::sh -c true', false],
  ])('%s: %s', (location, allowed) => {
    expect(repositoryAllowed(location, ['https://github.com/acme/*', 'git@github.com:acme/web'])).toBe(
      allowed,
    );
  });

  test('no rules allow nothing', () => {
    expect(repositoryAllowed(root, [])).toBe(false);
  });
});
