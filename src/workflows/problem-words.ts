import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** What a schema says of a value, as what is wrong and what to write instead. */
export function issueWords(issue: Issue): string {
  switch (issue.code) {
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `This is too much. Write ${issue.inclusive === false ? `less than ${issue.maximum}` : `${issue.maximum} or less`}${asFraction(issue.maximum)}.`
        : `This is too long. At most ${issue.maximum} ${unitOf(issue.origin)} fit here.`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `This is too little. Write ${issue.inclusive === false ? `more than ${issue.minimum}` : `${issue.minimum} or more`}.`
        : `At least ${Number(issue.minimum) === 1 ? 'one is' : `${issue.minimum} ${unitOf(issue.origin)} are`} wanted here.`;
    case 'invalid_type':
      return `${WANTED[issue.expected] ?? `A ${issue.expected} is wanted here`}.`;
    case 'invalid_value':
      return `Write one of: ${issue.values.map(String).join(', ')}.`;
    default:
      return issue.message;
  }
}

const WANTED: Readonly<Record<string, string>> = {
  number: 'A number is wanted here, such as 3',
  int: 'A whole number is wanted here, such as 3',
  // A bare number where a text is wanted is nearly always a duration without its unit.
  string: 'A text is wanted here; a duration has a unit, such as 90s, 10m or 2h',
  boolean: 'Write true or false',
  array: 'A list is wanted here, such as [one, two]',
  object: 'Keys with values are wanted here',
  record: 'Keys with values are wanted here',
};

/** A bound of 1 is one of fractions, which may be written as percentages. */
function asFraction(maximum: number | bigint): string {
  return Number(maximum) === 1 ? ', or a percentage up to 100%' : '';
}

function unitOf(origin: string): string {
  if (origin === 'string') return 'letters';
  return origin === 'array' || origin === 'set' ? 'entries' : 'keys';
}
