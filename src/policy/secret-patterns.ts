/**
 * Secrets recognised by their looks, for those nobody told us of. Every pattern runs in linear time: a token can
 * only begin where no token character precedes it, so no run of text is scanned twice, and what may repeat
 * before a fixed part is bounded. Ordinary code must survive: hashes, placeholders and expressions are left.
 */

/** What stands in the place of a secret. No pattern's value can contain it, so a second pass changes nothing. */
export const REDACTED = '[redacted]';

/** Start of a token; a letter of an escape such as `\n` in quoted text does not belong to it. */
const EDGE = String.raw`(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))`;

interface Rule {
  readonly pattern: RegExp;
  /** Whether this text is a secret; absent: always. Real keys carry digits, "your-token-here" does not. */
  readonly isSecret?: (value: string, next: string) => boolean;
}

const hasDigit = (value: string): boolean => /[0-9]/.test(value);

/** Long and mixed enough for a key, and not an expression such as `process.env.TOKEN_V2` or `readToken2(`. */
function looksRandom(value: string, next: string): boolean {
  if (next === '(' || /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+$/.test(value)) return false;
  const digits = value.replace(/[^0-9]/g, '').length;
  const letters = value.replace(/[^A-Za-z]/g, '').length;
  return letters > 0 && digits >= (value.length >= 20 ? 1 : 2);
}

/** Each pattern has up to two groups: `keep` stays before the mark, `value` is what is replaced. */
const RULES: readonly Rule[] = [
  {
    pattern: rule(
      String.raw`(?<value>xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,})`,
    ),
    isSecret: hasDigit,
  },
  { pattern: /(?<keep>hooks\.slack\.com\/(?:services|workflows|triggers)\/)(?<value>[A-Za-z0-9/_-]{20,})/g },
  {
    pattern: rule(String.raw`(?<value>sk-[A-Za-z0-9_-]{20,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,})`),
    isSecret: hasDigit,
  },
  {
    pattern: rule(
      String.raw`(?<value>gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{30,}|AIza[A-Za-z0-9_-]{35})`,
    ),
  },
  { pattern: rule(String.raw`(?<value>(?:AKIA|ASIA)[A-Z0-9]{16})(?![A-Za-z0-9])`) },
  { pattern: rule(String.raw`(?<value>eyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{10,})`) },
  {
    pattern:
      /(?<keep>authorization\\?["']?[ \t]{0,4}[:=,][ \t]{0,4}\\?["'`]?(?:(?:bearer|basic|token)[ \t]{1,4})?)(?<value>[A-Za-z0-9._~+/=-]{16,})/gi,
    isSecret: looksRandom,
  },
  {
    pattern: /(?<keep>\b(?:bearer|basic)[ \t]{1,4})(?<value>[A-Za-z0-9._~+/=-]{20,})/gi,
    isSecret: looksRandom,
  },
  {
    // The user's part may be empty (redis://:secret@host); a placeholder in the place of the password stays.
    pattern:
      /(?<keep>[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@"'<>]{0,200}:)(?!\[redacted\]@|\$|<|\{|%[sv]@)(?<value>[^\s/@"'<>`]{1,300})(?=@)/gi,
  },
  {
    pattern: rule(
      String.raw`(?<keep>[A-Z0-9_]{0,60}(?:SECRET|TOKEN|PASSWORD|PASSWD|API_KEY|ACCESS_KEY|PRIVATE_KEY)\\?["']?[ \t]{0,4}[:=][ \t]{0,4}\\?["'${'`'}]?)(?<value>[A-Za-z0-9+/=_.~-]{16,})`,
    ),
    isSecret: looksRandom,
  },
  {
    pattern:
      /(?<keep>secret_?access_?key\\?["']?[ \t]{0,4}[:=][ \t]{0,4}\\?["'`]?)(?<value>[A-Za-z0-9+/]{40})(?![A-Za-z0-9+/])/gi,
  },
  {
    // A line of an environment file: whatever it holds, unless it only refers to something else.
    pattern:
      /(?<keep>(?:^|\n|\\n)(?:export )?[A-Z0-9_]{0,60}(?:SECRET|TOKEN|PASSWORD|PASSWD|API_KEY|ACCESS_KEY|PRIVATE_KEY)=["']?)(?!\[redacted\])(?<value>[^\s"'$<`\\()[\]{}]{6,})/g,
  },
];

/** Cheap first look: text without any of these holds nothing the rules could find. */
const HINT =
  /xox[a-z]|xapp-|hooks\.slack|sk-|[sr]k_(?:live|test)|gh[pousr]_|github_pat|glpat-|npm_|hf_|AIza|AKIA|ASIA|eyJ|authorization|bearer|basic|:\/\/|SECRET|TOKEN|PASSW|API_KEY|ACCESS_?KEY|PRIVATE.KEY/i;

/** Replaces everything that looks like a secret by {@link REDACTED}. */
export function redactPatterns(text: string): string {
  if (!HINT.test(text)) return text;
  let result = redactPrivateKeys(text);
  for (const { pattern, isSecret } of RULES) {
    result = result.replace(pattern, (...args) => {
      const [match, groups, whole, offset] = replaceArguments(args);
      const value = groups['value'] ?? '';
      if (isSecret !== undefined && !isSecret(value, whole.charAt(offset + match.length))) return match;
      return `${groups['keep'] ?? ''}${REDACTED}`;
    });
  }
  return result;
}

function rule(source: string): RegExp {
  return new RegExp(EDGE + source, 'g');
}

/** `String.replace` passes (match, ...captures, offset, whole, groups); only these four matter here. */
function replaceArguments(
  args: readonly unknown[],
): [string, Record<string, string | undefined>, string, number] {
  const groups: Record<string, string | undefined> = {};
  const last = args.at(-1);
  if (typeof last === 'object' && last !== null) {
    for (const [name, value] of Object.entries(last))
      groups[name] = typeof value === 'string' ? value : undefined;
  }
  const offset = args.at(-3);
  return [String(args[0]), groups, String(args.at(-2)), typeof offset === 'number' ? offset : 0];
}

const KEY_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const KEY_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
/** The largest RSA keys in use have about 13 000 characters; what is farther away is another key's end. */
const KEY_MAX_CHARS = 30_000;

/** PEM blocks by hand: a lazy pattern over many BEGINs without an END would be quadratic. */
function redactPrivateKeys(text: string): string {
  if (!text.includes('PRIVATE KEY')) return text;
  const ends = [...text.matchAll(KEY_END)].map((end) => end.index + end[0].length);
  let result = '';
  let done = 0;
  let next = 0;
  for (const begin of text.matchAll(KEY_BEGIN)) {
    if (begin.index < done) continue;
    const bodyFrom = begin.index + begin[0].length;
    while ((ends[next] ?? Number.POSITIVE_INFINITY) < bodyFrom) next += 1;
    const end = ends[next];
    result += text.slice(done, begin.index) + REDACTED;
    done = end !== undefined && end - bodyFrom <= KEY_MAX_CHARS ? end : endOfKeyLines(text, bodyFrom);
  }
  return result + text.slice(done);
}

/** Where a key that was cut off ends: after the last following line that is base64. */
function endOfKeyLines(text: string, from: number): number {
  const line = /(?:\s|\\[nr])*([A-Za-z0-9+/=]{20,})(?=\s|\\[nr]|["'`]|$)/y;
  let end = from;
  for (;;) {
    line.lastIndex = end;
    const found = line.exec(text);
    if (found === null) return end;
    end = line.lastIndex;
  }
}
