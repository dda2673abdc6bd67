/** What a detector found, in words for the card. */
export interface Finding {
  readonly path: string;
  readonly why: string;
}

/** Folders and names of tests and examples: what they hold reaches nobody. */
const TESTS =
  /(^|\/)(tests?|__tests__|__mocks__|spec|e2e|fixtures|examples?)\/|\.(test|spec)\.[cm]?[jt]sx?$|(^|\/)test_[^/]*\.py$/i;

export function isTest(path: string): boolean {
  return TESTS.test(path);
}
