import { readFileSync } from 'node:fs';
import { hunt } from './hunt.ts';

/** A program as an agent that looks for a key, its first argument in hex, everywhere it can, and tells where it was. */
readFileSync(0);
console.log(hunt(process.argv[2] ?? ''));
