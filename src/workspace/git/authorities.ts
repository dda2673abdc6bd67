import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { BatonError } from '../../domain/failure.ts';
import { ensureFile } from '../durable-file.ts';

/**
 * A file with every authority that this process trusts: those of Node and of the system, and the person's own. The file git is
 * told of takes the place of all it would know by itself, so the person's own alone would shut every other server out.
 * @param folder of ours
 * @param extra PEM file, as `NODE_EXTRA_CA_CERTS` names it
 * @throws BatonError needs_person `authorities_unreadable`
 */
export async function authoritiesFile(folder: string, extra: string): Promise<string> {
  const own = await readFile(extra, 'utf8').catch((error: unknown) => {
    throw unreadable(extra, error);
  });
  if (!own.includes('-----BEGIN CERTIFICATE-----')) throw unreadable(extra);
  const all = new Set([...getCACertificates('bundled'), ...getCACertificates('system'), own]);
  const content = [...all].map((each) => `${each.trim()}\n`).join('');
  const name = createHash('sha256').update(content).digest('hex').slice(0, 20);
  const file = join(folder, `authorities-${name}.pem`);
  await ensureFile(file, content);
  return file;
}

function unreadable(file: string, cause?: unknown): BatonError {
  return new BatonError(
    {
      class: 'needs_person',
      code: 'authorities_unreadable',
      message: `NODE_EXTRA_CA_CERTS names ${file}, in which no certificate can be read. Nothing was sent.`,
      hint: 'Let it name a file of certificates in PEM, or unset it; restart Baton, then try again.',
    },
    cause,
  );
}
