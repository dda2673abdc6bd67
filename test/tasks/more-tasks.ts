import { edit, patch, type RepairTask, run, test } from './repair.ts';

export const moreTasks: readonly RepairTask[] = [
  {
    id: 'leap-year',
    defect: 'forgotten case',
    files: {
      'src/year.js': 'export function leap(year) {\n  return year % 4 === 0 && year % 100 !== 0;\n}\n',
      'test/year.test.js': test(
        '../src/year.js',
        'leap',
        'assert.equal(leap(2000), true);',
        'assert.equal(leap(1900), false);',
        'assert.equal(leap(2024), true);',
      ),
    },
    reads: ['src/year.js'],
    fix: [
      patch(
        '--- a/src/year.js',
        '+++ b/src/year.js',
        '@@ -2 +2 @@',
        '-  return year % 4 === 0 && year % 100 !== 0;',
        '+  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;',
      ),
    ],
  },
  {
    id: 'cents',
    defect: 'floating point',
    files: {
      'src/sum.js': 'export const total = (prices) => prices.reduce((sum, price) => sum + price, 0);\n',
      'test/sum.test.js': test('../src/sum.js', 'total', 'assert.equal(total([0.1, 0.2]), 0.3);'),
    },
    reads: ['src/sum.js'],
    fix: [
      edit(
        'src/sum.js',
        'prices.reduce((sum, price) => sum + price, 0)',
        'prices.reduce((sum, price) => sum + Math.round(price * 100), 0) / 100',
      ),
    ],
  },
  {
    id: 'cache-key',
    defect: 'keys that collide',
    files: {
      'src/memo.js':
        'export function memo(work) {\n  const known = new Map();\n  return (...args) => {\n    const key = args.join("");\n    if (!known.has(key)) known.set(key, work(...args));\n    return known.get(key);\n  };\n}\n',
      'test/memo.test.js': test(
        '../src/memo.js',
        'memo',
        "const f = memo((a, b) => a + '|' + b); assert.equal(f('ab', 'c'), 'ab|c'); assert.equal(f('a', 'bc'), 'a|bc');",
      ),
    },
    reads: ['src/memo.js'],
    fix: [edit('src/memo.js', 'args.join("")', 'JSON.stringify(args)')],
  },
  {
    id: 'windows-lines',
    defect: 'a file with Windows line ends',
    files: {
      'src/lines.js': 'export function lines(text) {\r\n  return text.split("\\n");\r\n}\r\n',
      'test/lines.test.js': test(
        '../src/lines.js',
        'lines',
        "assert.deepEqual(lines('a\\r\\nb\\nc'), ['a', 'b', 'c']);",
      ),
    },
    reads: ['src/lines.js'],
    fix: [
      patch(
        '--- a/src/lines.js',
        '+++ b/src/lines.js',
        '@@ -1,3 +1,3 @@',
        ' export function lines(text) {',
        '-  return text.split("\\n");',
        '+  return text.split(/\\r?\\n/);',
        ' }',
      ),
    ],
  },
  {
    id: 'umlaut-length',
    defect: 'code units taken for characters',
    files: {
      'src/cut.js': 'export const cut = (text, size) => text.slice(0, size);\n',
      'test/cut.test.js': test('../src/cut.js', 'cut', "assert.equal(cut('a😀b', 2), 'a😀');"),
    },
    reads: ['src/cut.js'],
    fix: [edit('src/cut.js', 'text.slice(0, size)', "[...text].slice(0, size).join('')")],
  },
  {
    id: 'listener-leak',
    defect: 'listener that stays',
    files: {
      'src/once.js':
        'export function next(source, name) {\n  return new Promise((resolve) => {\n    source.on(name, resolve);\n  });\n}\n',
      'test/once.test.js':
        "import assert from 'node:assert/strict';\nimport { EventEmitter } from 'node:events';\nimport { test } from 'node:test';\nimport { next } from '../src/once.js';\ntest('leaves none', async () => { const e = new EventEmitter(); const p = next(e, 'x'); e.emit('x', 1); assert.equal(await p, 1); assert.equal(e.listenerCount('x'), 0); });\n",
    },
    reads: ['src/once.js'],
    fix: [edit('src/once.js', 'source.on(name, resolve)', 'source.once(name, resolve)')],
  },
  {
    id: 'swallowed-error',
    defect: 'error that is swallowed',
    files: {
      'src/read.js':
        'export async function read(load) {\n  try {\n    return await load();\n  } catch {\n    return null;\n  }\n}\n',
      'test/read.test.js': test(
        '../src/read.js',
        'read',
        "await assert.rejects(read(async () => { throw new Error('disk'); }), /disk/);",
        "assert.equal(await read(async () => { const e = new Error('x'); e.code = 'ENOENT'; throw e; }), null);",
      ),
    },
    reads: ['src/read.js'],
    fix: [
      patch(
        '--- a/src/read.js',
        '+++ b/src/read.js',
        '@@ -4,3 +4,4 @@',
        '-  } catch {',
        '-    return null;',
        '+  } catch (error) {',
        "+    if (error.code === 'ENOENT') return null;",
        '+    throw error;',
        '   }',
      ),
    ],
  },
  {
    id: 'config-typo',
    defect: 'wrong key in data',
    files: {
      'config.json': '{ "limits": { "max_item": 3 } }\n',
      'src/limit.js':
        "import { readFileSync } from 'node:fs';\nconst { limits } = JSON.parse(readFileSync(new URL('../config.json', import.meta.url), 'utf8'));\nexport const fits = (items) => items.length <= limits.max_items;\n",
      'test/limit.test.js': test(
        '../src/limit.js',
        'fits',
        'assert.equal(fits([1, 2, 3]), true);',
        'assert.equal(fits([1, 2, 3, 4]), false);',
      ),
    },
    reads: ['src/limit.js', 'config.json'],
    fix: [edit('config.json', 'max_item"', 'max_items"')],
  },
  {
    id: 'two-defects',
    defect: 'two faults in two files',
    files: {
      'src/parse.js': 'export const parse = (line) => line.split("=");\n',
      'src/settings.js':
        "import { parse } from './parse.js';\nexport const settings = (text) => Object.fromEntries(text.split('\\n').map(parse));\n",
      'test/settings.test.js': test(
        '../src/settings.js',
        'settings',
        "assert.deepEqual(settings('a=1\\nurl=x?y=z\\n'), { a: '1', url: 'x?y=z' });",
      ),
    },
    reads: ['src/parse.js', 'src/settings.js'],
    fix: [
      edit(
        'src/parse.js',
        '(line) => line.split("=")',
        '(line) => {\n  const at = line.indexOf("=");\n  return [line.slice(0, at), line.slice(at + 1)];\n}',
      ),
      edit('src/settings.js', ".split('\\n').map", ".split('\\n').filter((line) => line !== '').map"),
    ],
  },
  {
    id: 'stale-file',
    defect: 'a file that must go',
    files: {
      'src/version.js': "export const version = '2.0.0';\n",
      'src/version.old.js': "export const version = '1.0.0';\n",
      'test/version.test.js':
        "import assert from 'node:assert/strict';\nimport { readdirSync } from 'node:fs';\nimport { test } from 'node:test';\ntest('one version', () => assert.deepEqual(readdirSync(new URL('../src/', import.meta.url)), ['version.js']));\n",
    },
    reads: ['test/version.test.js'],
    fix: [run('rm', 'src/version.old.js')],
  },
  {
    id: 'drifted-patch',
    defect: 'a patch whose line numbers are wrong',
    files: {
      'src/long.js': `${Array.from({ length: 80 }, (_, at) => `export const v${at} = ${at};`).join('\n')}\nexport const sum = () => v1 - v2;\n`,
      'test/long.test.js': test('../src/long.js', 'sum', 'assert.equal(sum(), 3);'),
    },
    reads: ['src/long.js'],
    fix: [
      patch(
        '--- a/src/long.js',
        '+++ b/src/long.js',
        '@@ -12,2 +12,2 @@',
        ' export const v79 = 79;',
        '-export const sum = () => v1 - v2;',
        '+export const sum = () => v1 + v2;',
      ),
    ],
  },
];
