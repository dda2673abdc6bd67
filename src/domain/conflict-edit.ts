/** Writing the outcome of a conflict in a form: how a file stands in its fields, and what may come back. Pure. */

/** Characters a field of a form takes; Slack's limit. */
export const FIELD_CHARS = 3_000;
/** Characters it begins with at the most: whoever writes needs room. */
const FILLED_CHARS = 2_500;
/** Fields of one form: more of a file than this is edited in an editor. */
const MOST_FIELDS = 4;

/** Characters of a file, with both sides in it, that a form can take. */
export const EDIT_CHARS = FILLED_CHARS * MOST_FIELDS;

/** Control, format and private characters, and pictures: a form would lose, show as nothing, or rename them. */
const UNFIT = /(?![\t\n])[\p{Cc}\p{Cf}\p{Co}\p{Cs}]|\p{Extended_Pictographic}/u;

/** Whether each character of a text comes back from a form as it went in. */
export function fitsAForm(text: string): boolean {
  return !UNFIT.test(text);
}

/** The text in pieces of whole lines, one for each field, without the line ends between them; null when it does not fit. */
export function inFields(text: string): string[] | null {
  const fields: string[] = [];
  let field: string[] = [];
  let size = 0;
  for (const line of text.split('\n')) {
    if (line.length > FILLED_CHARS) return null;
    if (field.length > 0 && size + line.length + 1 > FILLED_CHARS) {
      fields.push(field.join('\n'));
      field = [];
      size = 0;
    }
    field.push(line);
    size += line.length + 1;
  }
  fields.push(field.join('\n'));
  return fields.length > MOST_FIELDS ? null : fields;
}

/** What was written in the fields as one file, whose last line has an end. A field that was emptied adds no line. */
export function fromFields(fields: readonly string[]): string {
  const written = fields.map((field) => field.replaceAll('\r\n', '\n')).filter((field) => field !== '');
  const text = written.join('\n');
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** Both ends of a hunk as git marks it: a single row of signs may well be part of a document. */
export function hasMarkers(text: string): boolean {
  return /^<{7} /m.test(text) && /^={7}\r?$/m.test(text) && /^>{7} /m.test(text);
}

/** Why what was written cannot be the file, in words; null when it can. */
export function editProblem(text: string, redact: (text: string) => string): string | null {
  if (text === '') return 'Write what the file is to hold; an empty one cannot be written here.';
  if (hasMarkers(text))
    return 'Lines of <<<<<<<, ======= and >>>>>>> are still in it. Leave only what the file is to hold.';
  if (text.length > FIELD_CHARS * MOST_FIELDS) return 'This is longer than a form can hand in.';
  if (redact(text) !== text)
    return 'There is something in it that looks like a secret, so it was kept nowhere. Take it out, or take a side.';
  return null;
}
