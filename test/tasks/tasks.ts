import { edit, patch, type RepairTask, test, write } from './repair.ts';

export const firstTasks: readonly RepairTask[] = [
  {
    id: 'last-page',
    defect: 'off by one',
    files: {
      'src/pages.js': 'export const pages = (count, size) => Math.floor(count / size);\n',
      'test/pages.test.js': test(
        '../src/pages.js',
        'pages',
        'assert.equal(pages(11, 5), 3);',
        'assert.equal(pages(10, 5), 2);',
      ),
    },
    reads: ['src/pages.js'],
    fix: [edit('src/pages.js', 'Math.floor', 'Math.ceil')],
  },
  {
    id: 'age-limit',
    defect: 'wrong comparison',
    files: {
      'src/age.js': 'export const adult = (age) => age > 18;\n',
      'test/age.test.js': test(
        '../src/age.js',
        'adult',
        'assert.equal(adult(18), true);',
        'assert.equal(adult(17), false);',
      ),
    },
    reads: ['src/age.js'],
    fix: [
      patch(
        '--- a/src/age.js',
        '+++ b/src/age.js',
        '@@ -1 +1 @@',
        '-export const adult = (age) => age > 18;',
        '+export const adult = (age) => age >= 18;',
      ),
    ],
  },
  {
    id: 'user-names',
    defect: 'missing await',
    files: {
      'src/names.js':
        "const load = async (id) => ({ name: 'user-' + id });\n\nexport async function names(ids) {\n  return ids.map((id) => load(id).name);\n}\n",
      'test/names.test.js': test(
        '../src/names.js',
        'names',
        "assert.deepEqual(await names([1, 2]), ['user-1', 'user-2']);",
      ),
    },
    reads: ['src/names.js'],
    fix: [
      edit(
        'src/names.js',
        'return ids.map((id) => load(id).name);',
        'return Promise.all(ids.map(async (id) => (await load(id)).name));',
      ),
    ],
  },
  {
    id: 'sorted-copy',
    defect: 'argument is changed',
    files: {
      'src/top.js': 'export function top(scores) {\n  return scores.sort((a, b) => b - a)[0];\n}\n',
      'test/top.test.js': test(
        '../src/top.js',
        'top',
        'const all = [1, 3, 2]; assert.equal(top(all), 3); assert.deepEqual(all, [1, 3, 2]);',
      ),
    },
    reads: ['src/top.js'],
    fix: [
      patch(
        '--- a/src/top.js',
        '+++ b/src/top.js',
        '@@ -1,3 +1,3 @@',
        ' export function top(scores) {',
        '-  return scores.sort((a, b) => b - a)[0];',
        '+  return scores.toSorted((a, b) => b - a)[0];',
        ' }',
      ),
    ],
  },
  {
    id: 'zero-discount',
    defect: 'falsy value taken for missing',
    files: {
      'src/price.js': 'export const price = (amount, discount) => amount * (1 - (discount || 0.1));\n',
      'test/price.test.js': test(
        '../src/price.js',
        'price',
        'assert.equal(price(100, 0), 100);',
        'assert.equal(price(100), 90);',
      ),
    },
    reads: ['src/price.js'],
    fix: [edit('src/price.js', 'discount || 0.1', 'discount ?? 0.1')],
  },
  {
    id: 'number-sort',
    defect: 'sorted as text',
    files: {
      'src/median.js':
        'export function median(values) {\n  const sorted = [...values].sort();\n  return sorted[Math.floor(sorted.length / 2)];\n}\n',
      'test/median.test.js': test('../src/median.js', 'median', 'assert.equal(median([10, 9, 2]), 9);'),
    },
    reads: ['src/median.js'],
    fix: [edit('src/median.js', '.sort()', '.sort((a, b) => a - b)')],
  },
  {
    id: 'csv-quotes',
    defect: 'missing escaping',
    files: {
      'src/csv.js': "export const row = (cells) => cells.join(',');\n",
      'test/csv.test.js': test(
        '../src/csv.js',
        'row',
        'assert.equal(row([\'a,b\', \'say "hi"\']), \'"a,b","say ""hi"""\');',
        "assert.equal(row([1, 'x']), '1,x');",
      ),
    },
    reads: ['src/csv.js'],
    fix: [
      write(
        'src/csv.js',
        "function cell(value) {\n  const text = String(value);\n  return /[\",\\n]/.test(text) ? '\"' + text.replaceAll('\"', '\"\"') + '\"' : text;\n}\n\nexport const row = (cells) => cells.map(cell).join(',');\n",
      ),
    ],
  },
  {
    id: 'regex-dot',
    defect: 'unescaped pattern',
    files: {
      'src/host.js': 'export const ours = (host) => /^(.*.)?example.com$/.test(host);\n',
      'test/host.test.js': test(
        '../src/host.js',
        'ours',
        "assert.equal(ours('examplexcom'), false);",
        "assert.equal(ours('badexample.com'), false);",
        "assert.equal(ours('a.example.com'), true);",
      ),
    },
    reads: ['src/host.js'],
    fix: [edit('src/host.js', '/^(.*.)?example.com$/', '/^(.*\\.)?example\\.com$/')],
  },
  {
    id: 'missing-module',
    defect: 'module that is not there',
    files: {
      'src/index.js': "export { slug } from './slug.js';\n",
      'test/slug.test.js': test(
        '../src/index.js',
        'slug',
        "assert.equal(slug('Hello, World!'), 'hello-world');",
      ),
    },
    reads: ['src/index.js', 'test/slug.test.js'],
    fix: [
      write(
        'src/slug.js',
        "export const slug = (text) =>\n  text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');\n",
      ),
    ],
  },
  {
    id: 'renamed-twice',
    defect: 'half a rename, over three files',
    files: {
      'src/store.js':
        'const items = new Map();\nexport const put = (key, value) => items.set(key, value);\nexport const fetchItem = (key) => items.get(key);\n',
      'src/a.js': "import { get } from './store.js';\nexport const a = () => get('a');\n",
      'src/b.js': "import { get } from './store.js';\nexport const b = () => get('b');\n",
      'test/ab.test.js':
        "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\nimport { a } from '../src/a.js';\nimport { b } from '../src/b.js';\nimport { put } from '../src/store.js';\ntest('both', () => { put('a', 1); put('b', 2); assert.equal(a() + b(), 3); });\n",
    },
    reads: ['src/store.js', 'src/a.js'],
    fix: [
      patch(
        'diff --git a/src/a.js b/src/a.js',
        '--- a/src/a.js',
        '+++ b/src/a.js',
        '@@ -1,2 +1,2 @@',
        "-import { get } from './store.js';",
        "-export const a = () => get('a');",
        "+import { fetchItem } from './store.js';",
        "+export const a = () => fetchItem('a');",
        'diff --git a/src/b.js b/src/b.js',
        '--- a/src/b.js',
        '+++ b/src/b.js',
        '@@ -1,2 +1,2 @@',
        "-import { get } from './store.js';",
        "-export const b = () => get('b');",
        "+import { fetchItem } from './store.js';",
        "+export const b = () => fetchItem('b');",
      ),
    ],
  },
  {
    id: 'binary-search',
    defect: 'endless loop',
    files: {
      'src/search.js':
        'export function find(list, wanted) {\n  let low = 0;\n  let high = list.length;\n  let guard = 0;\n  while (low < high) {\n    if (++guard > 1000) throw new Error("endless");\n    const middle = (low + high) >> 1;\n    if (list[middle] === wanted) return middle;\n    if (list[middle] < wanted) low = middle;\n    else high = middle;\n  }\n  return -1;\n}\n',
      'test/search.test.js': test(
        '../src/search.js',
        'find',
        'assert.equal(find([1, 3, 5], 5), 2);',
        'assert.equal(find([1, 3, 5], 4), -1);',
      ),
    },
    reads: ['src/search.js'],
    fix: [edit('src/search.js', 'low = middle;', 'low = middle + 1;')],
  },
];
