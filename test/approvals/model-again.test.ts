import { test } from 'vitest';
import { DEEDS, playHalf } from './play.ts';

test(`${DEEDS} deeds of several people, clocks and restarts: A1 to A14 hold (the other half)`, async () => {
  await playHalf(2);
}, 240_000);
