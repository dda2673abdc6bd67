// counts.mjs NAME REPORT FAILURES: prints "passed failed" of a Vitest report and appends each failure to a file.
import { appendFileSync, readFileSync } from 'node:fs';

const [name, report, failures] = process.argv.slice(2);
const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
let files = 0;
for (const { name: path, status, message, assertionResults } of testResults) {
  const failed = assertionResults.filter((each) => each.status === 'failed');
  // A file that could not be loaded has no failing test, only a message.
  if (status === 'failed' && failed.length === 0) {
    files += 1;
    appendFileSync(failures, `${name}: ${path}: ${firstLines(message)}\n`);
  }
  for (const { fullName, failureMessages } of failed)
    appendFileSync(failures, `${name}: ${path}: ${fullName}\n    ${firstLines(failureMessages.join(' '))}\n`);
}
console.log(numPassedTests, numFailedTests + files);

function firstLines(text = '') {
  return text.split('\n').slice(0, 3).join(' | ').slice(0, 500);
}
