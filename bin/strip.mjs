// Part of `npm ci`: takes the types out of all that a start loads, so that the first start needs no more time than others.
import { readdirSync } from 'node:fs';
import { loadStripped, stripped } from './stripped.mjs';

process.removeAllListeners('warning');
const root = new URL('../', import.meta.url);
if (loadStripped())
  for (const folder of ['commands', 'db', 'desk', 'handlers', 'src'])
    for (const name of readdirSync(new URL(folder, root), { recursive: true }))
      if (name.endsWith('.ts') && !name.endsWith('.d.ts') && !name.startsWith('page'))
        stripped(new URL(`${folder}/${name}`, root).href);
