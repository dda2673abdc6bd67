import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { apiBreaks } from '../../src/policy/triggers/breaking-api.ts';
import type { ChangedFile } from '../../src/ports/workspace.ts';

const changed = (before: string | null, after: string | null, path = 'src/a.ts'): ChangedFile => ({
  path,
  before,
  after,
  unread: false,
});
const breaks = (before: string | null, after: string | null, path?: string): string | null =>
  apiBreaks([changed(before, after, path)])[0]?.why ?? null;

describe('exported TypeScript', () => {
  test.each<[string, string, string | null]>([
    ['a function is gone', 'export function a() {}\nexport const b = 1;', 'export const b = 1;'],
    ['the file is gone', 'export const a = 1;', null],
    ['it is no longer exported', 'export function a() {}', 'function a() {}'],
    ['it is renamed', 'export function a() {}', 'export function b() {}'],
    ['it is renamed in the list', 'const a = 1; export { a };', 'const a = 1; export { a as b };'],
    ['it is exported elsewhere now', "export { a } from './x';", "export { b } from './x';"],
    ['another module is taken over', "export { a } from './x';", "export { a } from './y';"],
    ['a star is gone', "export * from './x';\nexport const a = 1;", 'export const a = 1;'],
    ['a star is another one', "export * from './x';", "export * from './y';"],
    ['a star has a name now', "export * from './x';", "export * as x from './x';"],
    ['a type only', 'export { type A }; interface A { x: 1 }', 'export {}; interface A { x: 1 }'],
    ['the default is gone', 'export default function a() {}', 'export function a() {}'],
    ['the default is another kind', 'export default class A {}', 'export default 4;'],
    ['export =', 'export = a; const a = 1;', 'const a = 1;'],
    ['a parameter more', 'export function a(x: number) {}', 'export function a(x: number, y: string) {}'],
    ['a parameter less', 'export function a(x: number, y = 1) {}', 'export function a(x: number) {}'],
    ['a parameter of another type', 'export function a(x: number) {}', 'export function a(x: string) {}'],
    ['parameters swapped', 'export function a(x: A, y: B) {}', 'export function a(y: B, x: A) {}'],
    ['a parameter must be given now', 'export function a(x?: A) {}', 'export function a(x: A) {}'],
    ['another return type', 'export function a(): A { return x; }', 'export function a(): B { return x; }'],
    ['no promise any more', 'export async function a() {}', 'export function a() {}'],
    [
      'an overload is gone',
      'export function a(x: A): A;\nexport function a(x: B): B;\nexport function a(x: unknown) {}',
      'export function a(x: A): A;\nexport function a(x: unknown) {}',
    ],
    [
      'overloads change places',
      'export function a(x: A): A;\nexport function a(x: B): B;\nexport function a(x: unknown) {}',
      'export function a(x: B): B;\nexport function a(x: A): A;\nexport function a(x: unknown) {}',
    ],
    ['an arrow’s parameter', 'export const a = (x: A) => x;', 'export const a = (x: B) => x;'],
    [
      'a curried arrow’s inner parameter',
      'export const a = (x: A) => (y: A) => y;',
      'export const a = (x: A) => (y: B) => y;',
    ],
    [
      'a member of an interface',
      'export interface A { x: string; y: string }',
      'export interface A { x: string }',
    ],
    [
      'a member of an interface more',
      'export interface A { x: string }',
      'export interface A { x: string; y: string }',
    ],
    [
      'a type of the file’s own',
      'interface B { x: string }\nexport function a(b: B) {}',
      'interface B { y: string }\nexport function a(b: B) {}',
    ],
    [
      'a type behind a type',
      'type C = 1; interface B { c: C }\nexport function a(b: B) {}',
      'type C = 2; interface B { c: C }\nexport function a(b: B) {}',
    ],
    ['a method of a class', 'export class A { x() {} y() {} }', 'export class A { x() {} }'],
    ['a method’s parameter', 'export class A { x(a: A) {} }', 'export class A { x(a: B) {} }'],
    ['a method becomes private', 'export class A { x() {} }', 'export class A { private x() {} }'],
    ['a static becomes none', 'export class A { static x() {} }', 'export class A { x() {} }'],
    ['a getter is gone', 'export class A { get x() { return 1; } }', 'export class A { set x(v) {} }'],
    [
      'a constructor’s parameter',
      'export class A { constructor(x: A) {} }',
      'export class A { constructor(x: B) {} }',
    ],
    ['what it extends', 'export class A extends B {}', 'export class A extends C {}'],
    ['an enum’s member', 'export enum A { X, Y }', 'export enum A { X }'],
    ['an enum’s order', 'export enum A { X, Y }', 'export enum A { Y, X }'],
    ['a const enum', 'export const enum A { X = 1 }', 'export const enum A { X = 2 }'],
    ['a type', 'export type A = { x: 1 };', 'export type A = { x: 2 };'],
    ['a type parameter', 'export type A<T> = T[];', 'export type A<T extends B> = T[];'],
    ['a destructured one', 'export const { a, b } = c;', 'export const { a } = c;'],
    ['one of several', 'export const a = 1, b = 2;', 'export const a = 1;'],
    ['let where const was', 'export const a = 1;', 'export let a = f();'],
    [
      'a namespace',
      'export namespace A { export const x = 1; }',
      'export namespace A { export const y = 1; }',
    ],
    [
      'behind a regular expression',
      'const r = /["\'`{]/;\nexport function a() {}',
      'const r = /["\'`{]/;\nfunction a() {}',
    ],
    [
      'behind a template',
      `const t = \`\${\`}\`} export\`;\nexport function a() {}`,
      `const t = \`\${\`}\`} export\`;\nfunction a() {}`,
    ],
    [
      'behind a comment that looks like its end',
      '/* export */ export function a() {} // export',
      '/* export function a() {} */ function a() {}',
    ],
    ['only named in a comment now', 'export function a() {}', '// export function a() {}'],
    ['only named in a string now', 'export function a() {}', 'const x = "export function a() {}";'],
    ['without semicolons', 'export const a = 1\nexport const b = 2', 'export const a = 1\nconst b = 2'],
    ['with Windows line ends', 'export const a = 1\r\nexport const b = 2\r\n', 'export const a = 1\r\n'],
    ['with a byte order mark', '\ufeffexport const a = 1;\nexport const b = 1;', 'export const a = 1;'],
    ['with a name in other letters', 'export const größe = 1;', 'export const grösse = 1;'],
    ['with an escaped name', 'export const \\u0061 = 1; export const c = 1;', 'export const c = 1;'],
    ['CommonJS: a name', 'exports.a = 1;\nexports.b = 2;', 'exports.a = 1;'],
    ['CommonJS: what it is', 'module.exports = { a, b };', 'module.exports = { a };'],
    [
      'an ambient module',
      "declare module 'x' { export const a: 1; }",
      "declare module 'x' { export const a: 2; }",
    ],
    [
      'a global',
      'declare global { interface Window { a: 1 } }\nexport {};',
      'declare global { interface Window { b: 1 } }\nexport {};',
    ],
    ['a decorator before it', '@x() export class A { y() {} }', '@x() export class A { z() {} }'],
    [
      'in a declaration file',
      'export declare function a(x: 1): void;',
      'export declare function a(x: 2): void;',
    ],
    [
      'a file that cannot be read any more',
      'export const a = 1;\nexport function b() {}',
      'export const a = `;\nexport function b() {}',
    ],
  ])('%s', (_what, before, after) => {
    expect(breaks(before, after)).not.toBeNull();
  });

  test.each<[string, string | null, string]>([
    ['a new file', null, 'export const a = 1;'],
    ['nothing exported before', 'const a = 1;', 'const b = 1;'],
    ['one more', 'export const a = 1;', 'export const a = 1;\nexport const b = 2;'],
    [
      'another body',
      'export function a(x: A): B { return 1; }',
      'export function a(x: A): B { return f(x); }',
    ],
    [
      'another arrow’s body',
      'export const a = (x: A): B => 1;',
      'export const a = (x: A): B => { return 2; };',
    ],
    [
      'another method’s body',
      'export class A { x(a: A): B { return 1; } }',
      'export class A { x(a: A): B { if (a) { return 2; } return 3; } }',
    ],
    [
      'one more parameter that may be left out',
      'export function a(x: A) {}',
      'export function a(x: A, y?: B) {}',
    ],
    ['a parameter may be left out now', 'export function a(x: A) {}', 'export function a(x: A = 1) {}'],
    ['another number', 'export const LIMIT = 10;', 'export const LIMIT = 20;'],
    [
      'a private method',
      'export class A { x() {} private y() {} }',
      'export class A { x() {} private z() {} }',
    ],
    ['a hidden field', 'export class A { #x = 1; y() {} }', 'export class A { #z = f(); y() {} }'],
    [
      'comments',
      'export function a(x: A) {}',
      '/** What it does. */\nexport function a(/* what */ x: A) {} // end',
    ],
    ['quotes of a module', "export { a } from './x';", 'export { a } from "./x";'],
    [
      'the order',
      'export const a = 1;\nexport function b() {}',
      'export function b() {}\nexport const a = 1;',
    ],
    ['a list in place of words', 'export const a = 1;', 'const a = 1;\nexport { a };'],
    [
      'Windows line ends',
      'export const a = 1;\nexport function b() {}\n',
      'export const a = 1;\r\nexport function b() {}\r\n',
    ],
    ['a trailing comma', 'export function a(x: A, y: B) {}', 'export function a(\n  x: A,\n  y: B,\n) {}'],
    ['members with commas', 'export interface A { x: 1; y: 2 }', 'export interface A {\n  x: 1,\n  y: 2,\n}'],
    [
      'a local helper',
      'function h() {}\nexport function a() { h(); }',
      'function i() {}\nexport function a() { i(); }',
    ],
  ])('%s breaks nobody', (_what, before, after) => {
    expect(breaks(before, after)).toBeNull();
  });

  test('what is too large, or cannot be read, is said to break; tests never do', () => {
    expect(apiBreaks([{ path: 'src/a.ts', before: null, after: null, unread: true }])).toHaveLength(1);
    expect(breaks('export const a = 1;', null, 'test/a.ts')).toBeNull();
    expect(breaks('export const a = 1;', null, 'src/a.test.ts')).toBeNull();
    expect(breaks('export const a = 1;', null, 'src/a.d.ts')).not.toBeNull();
    expect(breaks('export const a = 1;', null, 'README.md')).toBeNull();
  });

  test('text between tags is no reason to ask, unless an export goes with it', () => {
    const page = (words: string, name = 'Page') =>
      `export function ${name}() {\n  return <p>${words}</p>;\n}\nexport const other = 1;\n`;
    expect(breaks(page("don't"), page("don't worry, it's fine"), 'src/page.tsx')).toBeNull();
    expect(breaks(page("don't"), page("don't", 'Other'), 'src/page.tsx')).not.toBeNull();
  });

  test('a large file is read in time', () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `export function f${i}(x: T${i % 50}): void {}`);
    const begun = performance.now();
    expect(breaks(lines.join('\n'), lines.slice(1).join('\n'))).toContain('f0');
    expect(breaks(`export const a = 1;\n${'{'.repeat(100_000)}`, 'export const a = 1;')).not.toBeUndefined();
    expect(breaks(`export type A = ${'('.repeat(50_000)}`, 'export type A = 1;')).not.toBeNull();
    expect(performance.now() - begun).toBeLessThan(20_000);
  });
});

/** Exported declarations by chance, as words that may be put together with any space and comments between them. */
const name = fc.stringMatching(/^[a-z][a-zA-Z]{3,7}Q$/);
const type = fc.constantFrom(
  ['string'],
  ['number[]'],
  ['Map', '<', 'string', ',', 'number', '>'],
  ['{', 'a', ':', '1', ';', 'b', '?', ':', 'string', '}'],
);
const declaration = fc.tuple(name, type, type, fc.nat({ max: 6 })).map(([id, one, two, kind]) => {
  const words: string[][] = [
    [
      'export',
      'function',
      id,
      '(',
      'x',
      ':',
      ...one,
      ',',
      'y',
      '?',
      ':',
      ...two,
      ')',
      ':',
      ...one,
      '{',
      'return',
      'x',
      ';',
      '}',
    ],
    [
      'export',
      'const',
      id,
      '=',
      '(',
      'x',
      ':',
      ...one,
      ')',
      ':',
      ...two,
      '=>',
      '{',
      'return',
      '1',
      ';',
      '}',
      ';',
    ],
    [
      'export',
      'interface',
      id,
      '{',
      'a',
      ':',
      ...one,
      ';',
      'b',
      '(',
      'x',
      ':',
      ...two,
      ')',
      ':',
      'void',
      ';',
      '}',
    ],
    [
      'export',
      'class',
      id,
      '{',
      'a',
      '(',
      'x',
      ':',
      ...one,
      ')',
      ':',
      ...two,
      '{',
      'return',
      '1',
      ';',
      '}',
      '}',
    ],
    ['export', 'type', id, '=', ...one, '|', ...two, ';'],
    ['export', 'const', id, ':', ...one, '=', 'f', '(', ')', ';'],
    ['export', 'enum', id, '{', 'A', '=', '1', ',', 'B', '=', '2', '}'],
  ];
  return { id, words: words[kind] ?? [] };
});
const file = fc.uniqueArray(declaration, { minLength: 1, maxLength: 6, selector: ({ id }) => id });
const spaces = fc.array(fc.constantFrom(' ', '  ', '\t', '\n', '\r\n', ' /* , } */ ', ' // {\n', '\n\n'), {
  minLength: 7,
  maxLength: 13,
});
// A line break after `return` is the one that means something.
const written = (file: readonly { words: readonly string[] }[], gaps: readonly string[]): string =>
  file
    .map(({ words }) =>
      words
        .map((word, i) =>
          word === 'return' ? 'return ' : `${word}${gaps[(i * 5 + word.length) % gaps.length] ?? ' '}`,
        )
        .join(''),
    )
    .join('\n');

describe('whatever is exported', () => {
  test('formatting never triggers', () => {
    fc.assert(
      fc.property(file, spaces, spaces, (declared, one, two) => {
        expect(breaks(written(declared, one), written(declared, two))).toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });

  test('an exported name that goes always does', () => {
    fc.assert(
      fc.property(file, spaces, spaces, fc.nat(), (declared, one, two, which) => {
        const left = declared.filter((_, i) => i !== which % declared.length);
        expect(breaks(written(declared, one), written(left, two))).not.toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });

  test('so does one that is no longer exported, whatever else is there', () => {
    fc.assert(
      fc.property(file, spaces, fc.nat(), (declared, gaps, which) => {
        const hidden = declared.map((each, i) =>
          i === which % declared.length ? { ...each, words: each.words.slice(1) } : each,
        );
        expect(breaks(written(declared, gaps), written(hidden, gaps))).not.toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});
