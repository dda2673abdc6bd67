import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';

/** What Baton is made of beside its own code: exactly what was looked at, whole, and under terms that allow it. */

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));
const names = z.record(z.string(), z.string());
const manifest = z.object({ dependencies: names, devDependencies: names }).parse(read('package.json'));
const lock = z
  .object({
    lockfileVersion: z.literal(3),
    packages: z.record(
      z.string(),
      z.object({
        version: z.string().optional(),
        integrity: z.string().optional(),
        license: z.string().optional(),
        link: z.boolean().optional(),
        dependencies: names.optional(),
        devDependencies: names.optional(),
      }),
    ),
  })
  .parse(read('package-lock.json'));
const installed = Object.entries(lock.packages).filter(([place]) => place !== '');

/** Terms that ask for nothing but their own text: nothing that reaches into the code that uses them. */
const PERMISSIVE = new Set(['MIT', 'ISC', '0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause']);
/** Terms of a file at a time: fine for what is only used to build and test, and never changed here. */
const ONLY_TOOLS = new Set(['MPL-2.0']);
/** More than these would have to be looked at. */
const MOST_DIRECT = 16;

/** Each of the terms that hold together; of those to choose from, the first that will do. */
function termsOf(license: string): readonly string[] {
  return license
    .replace(/[()]/g, '')
    .split(/ AND /)
    .map((each) => each.split(/ OR /).find((one) => PERMISSIVE.has(one)) ?? each);
}

/** What is installed where Baton runs: its own dependencies with all of theirs. */
function needed(): Set<string> {
  const found = new Set<string>();
  const visit = (name: string, from: string): void => {
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
      const place = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
      const entry = lock.packages[place];
      if (entry !== undefined) {
        if (found.has(place)) return;
        found.add(place);
        for (const next of Object.keys(entry.dependencies ?? {})) visit(next, place);
        return;
      }
      if (at === '') return;
    }
  };
  for (const name of Object.keys(manifest.dependencies)) visit(name, '');
  return found;
}

test('every version is one version, and the lock file has the same', () => {
  const wanted = { ...manifest.dependencies, ...manifest.devDependencies };
  expect(Object.entries(wanted).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  for (const [name, version] of Object.entries(wanted))
    expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
  expect(lock.packages['']).toMatchObject({
    dependencies: manifest.dependencies,
    devDependencies: manifest.devDependencies,
  });
});

test('every package is the one that was looked at, to the byte', () => {
  expect(installed.length).toBeGreaterThan(100);
  const unsure = installed.filter(
    ([, { integrity, link }]) => link === true || integrity?.startsWith('sha512-') !== true,
  );
  expect(unsure.map(([place]) => place)).toEqual([]);
});

test('there are few, and their terms allow what is done with them', () => {
  expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(MOST_DIRECT);
  const running = needed();
  expect(running.size).toBeGreaterThan(Object.keys(manifest.dependencies).length);
  const wrong = installed.filter(([place, { license }]) =>
    termsOf(license ?? 'unknown').some(
      (each) => !PERMISSIVE.has(each) && (running.has(place) || !ONLY_TOOLS.has(each)),
    ),
  );
  expect(wrong.map(([place, { license }]) => `${place}: ${license}`)).toEqual([]);
});
