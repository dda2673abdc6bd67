/**
 * The shapes one secret takes on its way through programs: plain, escaped, encoded. Whoever holds any of them
 * holds the secret, so the redactor looks for all.
 */

/** Shorter pieces are found in innocent text too often; a secret this short protects nothing anyway. */
export const MIN_SECRET_CHARS = 6;

/** All forms of one secret that are long enough to look for. */
export function secretForms(secret: string): string[] {
  const url = encodeURIComponent(secret);
  const html = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const hex = Buffer.from(secret, 'utf8').toString('hex');
  const forms = [
    // Also as a string of JSON, and of JSON within JSON, which is how a model's calls are kept.
    ...[secret, html, html.replaceAll('"', '&quot;')].flatMap((form) => [
      form,
      escaped(form),
      escaped(escaped(form)),
    ]),
    url,
    url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    url.replaceAll('%20', '+'),
    hex,
    hex.toUpperCase(),
    ...base64Cores(secret),
  ];
  return [...new Set(forms)].filter((form) => form.length >= MIN_SECRET_CHARS);
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/**
 * The secret inside a longer base64 text can begin at any of three offsets; the characters at its ends also
 * depend on its neighbours, so only the core that is always the same is looked for.
 */
function base64Cores(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const cores: string[] = [];
  for (const offset of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // 1 byte before touches the first 2 characters, 2 bytes before touch the first 3.
    const from = offset === 0 ? 0 : offset + 1;
    const to = Math.floor(((offset + bytes.length) * 8) / 6);
    const core = text.slice(from, to);
    cores.push(core, core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return cores;
}
