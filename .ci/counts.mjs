// counts.mjs NAME FAILURES FIRST [SECOND]: prints "passed failed" of a Vitest report and appends each failure to a file.
// SECOND is the report of the failed files run once more by themselves: what passes there is counted as passed, and named.
// counts.mjs files FIRST: prints the failed files, as long as they are few enough for chance to be a cause.
import { appendFileSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** More failed files than this are not a busy machine. */
const FEW = 3;

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const firstLines = (text = '') => text.split('\n').slice(0, 3).join(' | ').slice(0, 500);

/** One row for each failed test; one for a file that could not be loaded, which has no test. */
function failuresOf({ testResults }) {
  return testResults.flatMap(({ name: file, status, message, assertionResults }) => {
    const failed = assertionResults.filter((each) => each.status === 'failed');
    if (status === 'failed' && failed.length === 0) return [{ file, test: null, why: firstLines(message) }];
    return failed.map((each) => ({
      file,
      test: each.fullName,
      why: firstLines(each.failureMessages.join(' ')),
    }));
  });
}

function passedIn(report, { file, test }) {
  const found = report?.testResults.find(({ name }) => name === file);
  if (test === null) return found?.status === 'passed';
  const results = found?.assertionResults.filter(({ fullName }) => fullName === test) ?? [];
  return results.length > 0 && results.every(({ status }) => status === 'passed');
}

const [name, ...rest] = process.argv.slice(2);
if (name === 'files') {
  const files = new Set(failuresOf(read(rest[0])).map(({ file }) => relative(process.cwd(), file)));
  if (files.size > 0 && files.size <= FEW) console.log([...files].join('\n'));
} else {
  const [failures, first, second] = rest;
  const report = read(first);
  const again = second === undefined ? null : read(second);
  const rows = failuresOf(report).map((row) => ({ ...row, unsteady: passedIn(again, row) }));
  for (const { file, test, why, unsteady } of rows) {
    const kind = unsteady ? `${name} (unsteady: passed when run once more)` : name;
    appendFileSync(failures, `${kind}: ${file}: ${test ?? 'not loaded'}\n    ${why}\n`);
  }
  const unsteady = rows.filter((row) => row.unsteady).length;
  console.log(report.numPassedTests + unsteady, rows.length - unsteady);
}
