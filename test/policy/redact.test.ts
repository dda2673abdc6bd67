import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/policy/redact.ts';

const SECRET = 'Zq9/+k e"y&7tR!x2w';
const PLAIN = 'hunter2-correct-horse-0451';
const redact = createRedactor([SECRET, PLAIN]);
const none = createRedactor([]);

/** Keys are put together here so that no scanner takes this file for a leak. */
const slackBot = ['xoxb', '123456789012', '123456789012', 'AbCdEfGhIjKlMnOpQrStUvWx'].join('-');
const slackApp = ['xapp', '1', 'A0123456789', '1234567890123', 'abcdef0123456789'].join('-');
const openai = `sk-${'proj-'}abcDEF0123456789abcdef_-xyz`;
const github = `ghp${'_'}0123456789abcdefghijABCDEFGHIJ012345`;
const pat = `github${'_pat_'}11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz`;
const aws = `AKIA${'IOSFODNN7EXAMPLE'}`;
const awsSecret = `wJalrXUtnFEMI/K7MDENG/${'bPxRfiCYEXAMPLEKEY'}`;
const jwt = `eyJ${'hbGciOiJIUzI1NiJ9'}.eyJ${'zdWIiOiIxMjM0NTY3ODkwIn0'}.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV`;
const pem = [
  '-----BEGIN RSA PRIVATE ',
  'KEY-----\nMIIEow',
  'IBAAKCAQEAabcdefghijklmnop\nqrstuv==\n-----END RSA PRIVATE ',
  'KEY-----',
].join('');

describe('known secrets', () => {
  const b64 = (text: string): string => Buffer.from(text).toString('base64');
  it.each([
    ['plain', SECRET],
    ['JSON-escaped', JSON.stringify({ a: SECRET })],
    ['JSON in JSON', JSON.stringify(JSON.stringify({ a: SECRET }))],
    ['URL-encoded', `?key=${encodeURIComponent(SECRET)}&b=1`],
    ['URL-encoded, small letters', encodeURIComponent(SECRET).replace(/%../g, (code) => code.toLowerCase())],
    ['hex', Buffer.from(SECRET).toString('hex')],
    ['HEX', Buffer.from(SECRET).toString('hex').toUpperCase()],
    ['HTML', SECRET.replaceAll('&', '&amp;')],
    ['base64', b64(SECRET)],
    ['base64url', Buffer.from(SECRET).toString('base64url')],
    ['base64 after 1 byte', b64(`u${SECRET}`)],
    ['base64 after 2 bytes, more behind', b64(`u:${SECRET}@host`)],
  ])('are replaced when %s', (_name, text) => {
    const result = redact(text);
    expect(result).toContain('[redacted]');
    expect(result).not.toContain(SECRET.slice(4, 12));
    expect(result).not.toContain(b64(SECRET).slice(4, 16));
  });

  it.each([
    ['a line break', `${PLAIN.slice(0, 9)}\n${PLAIN.slice(9)}`],
    ['CRLF and indentation', `${PLAIN.slice(0, 9)}\r\n    ${PLAIN.slice(9)}`],
    ['an escaped break', `"${PLAIN.slice(0, 9)}\\n${PLAIN.slice(9)}"`],
    ['a quoted margin', `> ${PLAIN.slice(0, 9)}\n> ${PLAIN.slice(9)}`],
    ['three lines', `${PLAIN.slice(0, 5)}\n${PLAIN.slice(5, 11)}\n${PLAIN.slice(11)}`],
  ])('are replaced when broken by %s', (_name, text) => {
    const result = redact(`before ${text} after`);
    expect(result).toContain('[redacted]');
    expect(result).not.toContain(PLAIN.slice(0, 5));
    expect(result).not.toContain(PLAIN.slice(11));
    expect(result.startsWith('before ')).toBe(true);
    expect(result.endsWith(' after')).toBe(true);
  });

  it('keeps what stands around them, lines included', () => {
    expect(redact(`a\n  b ${PLAIN}\n  c\n`)).toBe('a\n  b [redacted]\n  c\n');
  });

  it('ignores secrets that are too short or part of the mark', () => {
    expect(createRedactor(['abc', 'redacted'])('abc was redacted')).toBe('abc was redacted');
  });
});

describe('what looks like a secret', () => {
  it.each([
    ['Slack bot token', slackBot],
    ['Slack app token', slackApp],
    ['OpenAI key', openai],
    ['GitHub token', github],
    ['GitHub fine-grained token', pat],
    ['AWS key id', aws],
    ['JWT', jwt],
    ['private key', pem],
    ['private key in JSON', JSON.stringify(pem)],
    ['AWS secret by its name', `aws_secret_access_key = ${awsSecret}`],
    ['AWS secret in JSON', JSON.stringify({ SecretAccessKey: awsSecret })],
    ['authorization header', 'Authorization: Bearer abc123def456ghi789jkl'],
    ['authorization header in JSON', '{"authorization":"Basic dXNlcjpwYXNzd29yZDEyMw=="}'],
    ['URL with a password', 'postgres://baton:s3cr3t-pass@db:5432/x'],
    ['URL with a password and no user', 'redis://:s3cr3t-pass@cache'],
    ['line of an environment file', 'PORT=3000\nDB_PASSWORD=s3cr3t-pass\nX=1'],
    ['constant in code', `const API_TOKEN = 's3cr3t-pass-0123456789'`],
  ])('%s is replaced', (_name, secret) => {
    for (const text of [secret, `x ${secret} y`, JSON.stringify(`a\n${secret}\nb`)]) {
      const result = none(text);
      expect(result).toContain('[redacted]');
      for (const part of [
        '123456789012',
        's3cr3t-pass',
        '0123456789',
        'IOSFODNN7',
        'MDENG',
        'SflKxw',
        'MIIEow',
        'abc123def',
        'dXNlcjpw',
      ]) {
        expect(result).not.toContain(part);
      }
    }
  });

  it('cuts a private key whose end is missing, and only that', () => {
    const cut = none(`log: ${pem.slice(0, 60)}\nthen words follow`);
    expect(cut).not.toContain('MIIEow');
    expect(cut).toContain('then words follow');
  });

  it.each([
    'commit 9b1f6c3e0d5a4b7c8d9e0f1a2b3c4d5e6f708192',
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'const token = process.env.SLACK_BOT_TOKEN_V2;',
    'const API_KEY = loadKeyFromVault2(name);',
    'SLACK_BOT_TOKEN=xoxb-your-token-here'.replace('SLACK_BOT_TOKEN=', 'slack: '),
    'DB_PASSWORD=$SECRET_FROM_VAULT',
    'MAX_TOKENS=100000',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: code as it stands in files
    'headers: { Authorization: `Bearer ${token}` }',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: code as it stands in files
    'postgres://user:${PASSWORD}@host/db',
    'http://127.0.0.1:3000/a@b',
    '<div class="sk-folding-cube-container-wide">',
    '"integrity": "sha512-9IQcZ2lMC4vOeQXQkT4xxYp0cqj8mKjz1f3q7w=="',
    'import { basic } from "./bearer-tokens.ts"; // basic authentication-of-users',
    'f47ac10b-58cc-4372-a567-0e02b2c3d479',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  ])('ordinary text stays: %s', (text) => {
    expect(none(text)).toBe(text);
  });
});

describe('properties', () => {
  const noise = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom(
      '\n',
      '\\n',
      '"',
      'Authorization: Bearer ',
      'API_TOKEN=',
      '://u:',
      '@',
      '[redacted]',
      'eyJ',
      '.',
      'sk-',
      '-----BEGIN PRIVATE KEY-----',
    ),
  );
  const secrets = fc.constantFrom(
    SECRET,
    PLAIN,
    slackBot,
    openai,
    github,
    aws,
    jwt,
    pem,
    encodeURIComponent(SECRET),
  );

  it('is idempotent and leaves no known secret, wherever it stands', () => {
    let replaced = 0;
    fc.assert(
      fc.property(fc.array(fc.oneof(noise, secrets), { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const once = redact(text);
        if (once !== text) replaced += 1;
        expect(redact(once)).toBe(once);
        expect(once).not.toContain(PLAIN);
        expect(once).not.toContain(SECRET);
      }),
      { numRuns: 1_000 },
    );
    expect(replaced).toBeGreaterThan(300);
  });

  it('finds a known secret broken at any place', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: PLAIN.length - 1 }),
        fc.constantFrom('\n', '\r\n  ', '\\n'),
        (at, gap) => {
          expect(redact(PLAIN.slice(0, at) + gap + PLAIN.slice(at))).toBe('[redacted]');
        },
      ),
    );
  });

  const MEGABYTE = 1_000_000;
  it.each([
    'a',
    ' ',
    '\n',
    ' \n',
    '\\n',
    '"',
    'sk-',
    'xoxb-1',
    'eyJ',
    'eyJa.',
    '.eyJaaaaa',
    'gh',
    'AKIA',
    'A_SECRET',
    'A_SECRET ',
    'TOKEN=',
    'authorization:',
    'bearer ',
    'http://',
    'a://b:',
    'a://b:c',
    '://',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN PRIVATE KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAA\n',
    PLAIN.slice(0, -1),
    `${PLAIN.slice(0, -1)}\n`,
    'xoxb-',
    'A-',
    '[redacted]',
  ])('takes linear time over a megabyte of %j', (unit) => {
    const text = unit.repeat(Math.ceil(MEGABYTE / unit.length));
    const started = performance.now();
    redact(text);
    // Some 50 ms here; a quadratic pattern takes minutes. The slack is for a busy machine.
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});
