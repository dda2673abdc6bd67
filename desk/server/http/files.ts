import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { sendText } from './body.ts';
import { SECURITY_HEADERS } from './guard.ts';

const TYPES: Readonly<Record<string, string>> = Object.freeze({
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json; charset=utf-8',
  '.woff2': 'font/woff2',
});

async function read(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch {
    return null;
  }
}

/** Serves the built page. A path without a file gets index.html, so that the page may use paths of its own. */
export async function sendFile(response: ServerResponse, pageDir: string, urlPath: string): Promise<void> {
  const wanted = normalize(decodeURIComponent(urlPath)).replace(/^[/\\]+/, '');
  const outside = wanted.split(sep).includes('..');
  const asked = wanted === '' || wanted === '.' ? 'index.html' : wanted;
  const direct = outside ? null : await read(join(pageDir, asked));
  const isAsset = extname(asked) !== '' && asked !== 'index.html';
  const content = direct ?? (isAsset ? null : await read(join(pageDir, 'index.html')));
  if (content === null) {
    sendText(response, 404, isAsset ? 'Not found.' : 'The page is not built yet. Run: npm run prepare\n');
    return;
  }
  const type = TYPES[direct === null ? '.html' : extname(asked)] ?? 'application/octet-stream';
  // Vite names assets by their content, so those may be kept for good.
  const cache = asked.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
  response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': type, 'cache-control': cache });
  response.end(content);
}
