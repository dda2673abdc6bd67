import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const read = (file: string): Promise<string> =>
  readFile(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');

test('docs/adding-a-pattern.md shows the files as they are', async () => {
  const shown = [...(await read('docs/adding-a-pattern.md')).matchAll(/```ts\n([\s\S]*?)```/g)].map(
    ([, code]) => code ?? '',
  );
  const [file, line, tested] = shown;
  expect(shown).toHaveLength(3);
  expect(file).toBe(await read('src/patterns/end.ts'));
  expect(await read('src/patterns/all.ts')).toContain(line);
  expect(tested).toBe(await read('test/patterns/end.test.ts'));
});
