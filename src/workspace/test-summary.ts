import { stripVTControlCharacters } from 'node:util';

export interface TestSummary {
  readonly passed: number;
  readonly failed: number;
}

/** Characters looked at, from the end: summaries come last, and patterns stay quick on floods. */
const TAIL_CHARS = 200_000;

/**
 * How many tests passed and failed, from the words of a test command: node:test (spec and TAP), vitest, jest,
 * pytest, cargo and go. Null when none of them is recognised: no number is better than a wrong one.
 */
export function summariseTests(output: string): TestSummary | null {
  const lines = stripVTControlCharacters(output.slice(-TAIL_CHARS)).split(/\r?\n/);
  for (const read of [nodeTest, cargo, vitest, jest, pytest, go]) {
    const summary = read(lines);
    if (summary !== null) return summary;
  }
  return null;
}

/** `# pass 3` (TAP) or `ℹ pass 3` (spec), `# fail 0`. */
function nodeTest(lines: readonly string[]): TestSummary | null {
  const last = (word: string) => {
    const pattern = new RegExp(`^[#ℹ] ${word} (\\d+)$`);
    return lines.findLast((line) => pattern.test(line))?.match(/\d+/)?.[0];
  };
  const passed = last('pass');
  const failed = last('fail');
  const cancelled = last('cancelled') ?? '0';
  if (passed === undefined || failed === undefined) return null;
  return { passed: Number(passed), failed: Number(failed) + Number(cancelled) };
}

/** `      Tests  1 failed | 4 passed (5)` */
function vitest(lines: readonly string[]): TestSummary | null {
  const line = lines.findLast((text) => /^\s*Tests {2}.*\(\d+\)\s*$/.test(text));
  return line === undefined ? null : counts(line);
}

/** `Tests:       1 failed, 4 passed, 5 total` */
function jest(lines: readonly string[]): TestSummary | null {
  const line = lines.findLast((text) => /^Tests:\s.*\d+ total\s*$/.test(text));
  return line === undefined ? null : counts(line);
}

/** `==== 1 failed, 4 passed in 0.12s ====`, or without the bars under -q. */
function pytest(lines: readonly string[]): TestSummary | null {
  const line = lines.findLast((text) => /^(?:=+ )?(?:\d+ [a-z]+(?:, )?)+ in [\d.]+s\b/.test(text));
  return line === undefined ? null : counts(line);
}

/** `test result: FAILED. 3 passed; 1 failed; …`, once per test binary. */
function cargo(lines: readonly string[]): TestSummary | null {
  return sum(lines.filter((line) => /^test result: \w+\. \d+ passed; \d+ failed;/.test(line)).map(counts));
}

/** `--- PASS: TestX` under -v; without it only packages are named: `ok  	pkg	0.1s`, `FAIL	pkg	0.1s`. */
function go(lines: readonly string[]): TestSummary | null {
  const passed = lines.filter((line) => /^\s*--- PASS: /.test(line)).length;
  const failed = lines.filter((line) => /^\s*--- FAIL: /.test(line)).length;
  if (passed + failed > 0) return { passed, failed };
  const okay = lines.filter((line) => /^ok {2}\t\S+\t/.test(line)).length;
  const bad = lines.filter((line) => /^FAIL\t\S+/.test(line)).length;
  return okay + bad > 0 ? { passed: okay, failed: bad } : null;
}

function counts(line: string): TestSummary {
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}\\b`).exec(line)?.[1] ?? '0');
  return { passed: count('passed'), failed: count('failed') + count('errors?') };
}

function sum(summaries: readonly TestSummary[]): TestSummary | null {
  if (summaries.length === 0) return null;
  return summaries.reduce((total, one) => ({
    passed: total.passed + one.passed,
    failed: total.failed + one.failed,
  }));
}

/** Names of failing tests that are told; who wants them all reads the output. */
const NAMES_TOLD = 6;
const NAME_CHARS = 120;
/** A failing test as its runner writes it: TAP, node's spec, vitest, jest, pytest, cargo, go. */
const FAILING = [
  /^\s*not ok \d+ - (.+?)(?: # .*)?$/,
  /^\s*✖ (?!failing tests)(.+?) \([\d.]+ms\)$/,
  /^\s*[×✗] (.+?)(?: \d+ms)?$/,
  /^\s*● (.+)$/,
  /^FAILED (\S+::\S+)/,
  /^test (\S+) \.\.\. FAILED$/,
  /^\s*--- FAIL: (\S+)/,
];

/** Which tests failed, each once, in the order of the output; empty when the runner names none. */
export function failingTests(output: string): string[] {
  const names = new Set<string>();
  for (const line of stripVTControlCharacters(output.slice(-TAIL_CHARS)).split(/\r?\n/)) {
    const name = FAILING.map((pattern) => pattern.exec(line)?.[1]).find((found) => found !== undefined);
    // A file that holds a failing test fails with it; naming both says it twice.
    if (name !== undefined && !/\.(m?js|ts)$/.test(name)) names.add(name.slice(0, NAME_CHARS));
  }
  const all = [...names];
  return all.length <= NAMES_TOLD
    ? all
    : [...all.slice(0, NAMES_TOLD), `and ${all.length - NAMES_TOLD} more`];
}
