import fc from 'fast-check';

/**
 * `BATON_TEST_SEED` makes every random case the same each time: a change is judged by the cases its predecessor was
 * judged by, and what fails once fails again. Without it the cases are new each time, and a failing one names its seed.
 */
// biome-ignore lint/style/noProcessEnv: how the tests themselves are run is told by the environment
const seed = process.env['BATON_TEST_SEED'];
if (seed !== undefined) fc.configureGlobal({ seed: Number.parseInt(seed, 10) });
