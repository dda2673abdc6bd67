import { test } from 'vitest';
import { DEEDS, playHalf } from './play.ts';

test(`${DEEDS} deeds of several people, clocks and restarts: A1 to A14 hold (one half)`, async () => {
  await playHalf(1);
}, 240_000);
