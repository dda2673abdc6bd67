import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { z } from 'zod';
import { git } from './support.ts';

/** What the server does to the next push; null: nothing but what git does. */
export type Deed =
  /** Takes the connection down while the pack arrives: before git has seen it, or after it has taken it. */
  { readonly kind: 'gone'; readonly after: boolean } | { readonly kind: 'forbidden' } | null;

export interface HttpsRemote {
  /** `https://127.0.0.1:<port>`; repositories are `/<owner>/<name>.git`. */
  readonly url: string;
  /** PEM of the authority that the server's certificate is by: itself. */
  readonly authority: string;
  /** Method and path of what was asked, and by what authorization. */
  readonly asked: { readonly what: string; readonly authorization: string }[];
  /** Arguments and environments of every process of this machine that were seen while a push was served. */
  readonly seen: { readonly argv: string[]; readonly environments: string[] };
  /** In force until set again. */
  next: Deed;
  /** The token that is taken. */
  token: string;
  close(): Promise<void>;
}

/**
 * A real git server: `git http-backend` behind HTTPS with a certificate of its own making, for one token, as the servers of
 * companies are. What it says to a wrong one holds what it was sent, as a careless server's would.
 * @param folder holds `<owner>/<name>.git`, which have to take pushes (`http.receivepack`)
 */
export async function startHttpsRemote(folder: string, token: string): Promise<HttpsRemote> {
  const key = join(folder, 'server.key');
  const authority = join(folder, 'server.pem');
  const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const named = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', key, '-out', authority];
  execFileSync('openssl', ['req', '-x509', ...elliptic, '-nodes', '-days', '2', ...named, ...files], {
    stdio: 'ignore',
  });
  const remote: Omit<HttpsRemote, 'url' | 'close'> = {
    authority,
    asked: [],
    seen: { argv: [], environments: [] },
    next: null,
    token,
  };
  const server = createServer(
    { key: readFileSync(key), cert: readFileSync(authority) },
    (request, response) => serve(folder, remote, request, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return Object.assign(remote, {
    url: `https://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}

/** A bare repository there, with what `from` has, that takes pushes. */
export function bareCopy(folder: string, name: string, from: string): string {
  const path = join(folder, 'acme', `${name}.git`);
  git(folder, 'clone', '-q', '--bare', from, path);
  git(path, 'config', 'http.receivepack', 'true');
  return path;
}

function serve(
  folder: string,
  remote: Omit<HttpsRemote, 'url' | 'close'>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'https://127.0.0.1');
  const { authorization = '' } = request.headers;
  remote.asked.push({ what: `${request.method} ${pathname}`, authorization });
  const isPush = request.method === 'POST' && pathname.endsWith('/git-receive-pack');
  if (isPush) look(remote.seen);
  const wanted = `Basic ${Buffer.from(`x-access-token:${remote.token}`).toString('base64')}`;
  const status = authorization !== wanted ? 401 : remote.next?.kind === 'forbidden' ? 403 : null;
  if (status !== null) {
    const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="git"' } : {};
    response.writeHead(status, { 'content-type': 'text/plain', ...challenge });
    response.end(`Not with ${authorization}\n`);
    return;
  }
  const gone = isPush && remote.next?.kind === 'gone' ? remote.next : null;
  if (gone?.after === false) {
    request.once('data', () => request.socket.destroy());
    return;
  }
  const backend = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      REMOTE_USER: 'baton',
      REMOTE_ADDR: '127.0.0.1',
      PATH_INFO: pathname,
      REQUEST_METHOD: request.method ?? 'GET',
      QUERY_STRING: searchParams.toString(),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    },
  });
  request.pipe(backend.stdin);
  backend.stdin.on('error', () => undefined);
  const chunks: Buffer[] = [];
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  backend.on('close', () => {
    if (gone !== null) request.socket.destroy();
    else answer(Buffer.concat(chunks), response);
  });
}

/** What a CGI program wrote, as HTTP: its headers, an empty line, its content. */
function answer(written: Buffer, response: ServerResponse): void {
  const end = written.indexOf('\r\n\r\n');
  const headers = written.subarray(0, end).toString('latin1').split('\r\n');
  const pairs = headers.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const status = Number(pairs.find(([name]) => name === 'status')?.[1].slice(0, 3) ?? 200);
  response.writeHead(status, Object.fromEntries(pairs.filter(([name]) => name !== 'status')));
  response.end(written.subarray(end + 4));
}

/** Every process of the machine as it is now, where there is such a list. */
function look(seen: HttpsRemote['seen']): void {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8').replaceAll('\0', ' ');
    } catch {
      return '';
    }
  };
  if (!existsSync('/proc/self/environ')) return;
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    seen.argv.push(read(`/proc/${id}/cmdline`));
    seen.environments.push(read(`/proc/${id}/environ`));
  }
}
