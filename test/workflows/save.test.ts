import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Workflow } from '../../src/domain/workflow.ts';
import { loadWorkflow } from '../../src/workflows/load.ts';
import { saveWorkflow } from '../../src/workflows/save.ts';
import { rules } from './support.ts';

let folder = '';
beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'baton-save-')), 'workflows');
});
afterEach(() => rmSync(path.dirname(folder), { recursive: true, force: true }));

const one: Workflow = {
  name: 'mine',
  title: 'Mine',
  description: 'd',
  how: 'h',
  why: 'w',
  flow: { kind: 'agent', id: 'a', agent: 'backend', task: 'Do: it # well' },
};
const save = (workflow: Workflow) =>
  saveWorkflow(workflow, { folder, rules, reserved: ['status'], taken: new Set(['feature']) });
const files = () => {
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder);
};

describe('saving a workflow', () => {
  test('the file that is written is read as the same workflow', () => {
    expect(save(one)).toEqual({ ok: true, file: path.join(folder, 'mine.yaml') });
    expect(loadWorkflow(readFileSync(path.join(folder, 'mine.yaml'), 'utf8'), rules)).toMatchObject({
      ok: true,
      workflow: one,
    });
  });

  test.each([
    ['a word of the command', { ...one, name: 'status' }, 'a word of /orchestrate'],
    ['a name in use', { ...one, name: 'feature' }, 'There is a workflow'],
    ['a way out of the folder', { ...one, name: '../out' }, 'A workflow name is'],
    ['an unknown agent', { ...one, flow: { ...one.flow, agent: 'nobody' } }, 'no agent "nobody"'],
  ])('%s is refused, and nothing is written', (_name, workflow, problem) => {
    expect(save(workflow)).toMatchObject({ ok: false, problem: expect.stringContaining(problem) });
    expect(files()).toEqual([]);
  });

  test('a file that is there is never overwritten', () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'mine.yaml'), 'precious');
    expect(save(one)).toMatchObject({ ok: false, problem: expect.stringContaining('is there already') });
    expect(readFileSync(path.join(folder, 'mine.yaml'), 'utf8')).toBe('precious');
  });
});
