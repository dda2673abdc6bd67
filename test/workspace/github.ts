import { createServer } from 'node:http';
import { z } from 'zod';

/** A pull request as the server keeps it. */
interface Pull {
  readonly number: number;
  readonly html_url: string;
  readonly head: string;
  readonly base: string;
  title: string;
  body: string;
}

const writtenSchema = z.object({
  title: z.string(),
  body: z.string(),
  head: z.string().default(''),
  base: z.string().default(''),
});

export interface GitHubShaped {
  readonly url: string;
  readonly pulls: Pull[];
  /** Method, path and authorization of each request. */
  readonly asked: { readonly what: string; readonly authorization: string }[];
  /** Answered to the next request that fits, once; `after`: the work is done, the answer says otherwise. */
  fail(what: RegExp, status: number, after?: boolean): void;
  /** At the next request that fits: `deed` in place of an answer, once; `after`: the work is done by then. */
  kill(what: RegExp, after: boolean, deed: () => void): void;
  close(): Promise<void>;
}

/** The four endpoints that are used, over HTTP. A second open pull request of one head is refused as GitHub refuses it: 422. */
export async function startGitHub(): Promise<GitHubShaped> {
  const pulls: Pull[] = [];
  const asked: { what: string; authorization: string }[] = [];
  let failing: { what: RegExp; status: number; after: boolean } | null = null;
  let killing: { what: RegExp; after: boolean; deed: () => void } | null = null;
  const answer = (method: string, url: URL, body: string): [number, unknown] => {
    const [, , , repo, part, number] = url.pathname.split('/');
    if (part === undefined && method === 'GET') return [200, { name: repo, default_branch: 'main' }];
    if (part !== 'pulls') return [404, { message: 'Not Found' }];
    if (method === 'GET')
      return [200, pulls.filter((pull) => url.searchParams.get('head') === `acme:${pull.head}`)];
    const written = writtenSchema.parse(JSON.parse(body));
    if (method === 'PATCH') {
      const pull = pulls.find((each) => String(each.number) === number);
      if (pull === undefined) return [404, { message: 'Not Found' }];
      pull.title = written.title;
      pull.body = written.body;
      return [200, pull];
    }
    if (pulls.some(({ head }) => head === written.head))
      return [422, { message: 'Validation Failed', errors: [{ message: 'A pull request already exists' }] }];
    const pull = {
      ...written,
      number: 482 + pulls.length,
      html_url: `https://github.example.com/pull/${482 + pulls.length}`,
    };
    pulls.push(pull);
    return [201, pull];
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      const what = `${request.method} ${url.pathname}`;
      asked.push({ what, authorization: request.headers.authorization ?? '' });
      if (killing?.what.test(what) === true) {
        const { after, deed } = killing;
        killing = null;
        if (after) answer(request.method ?? '', url, body);
        request.socket.destroy();
        return deed();
      }
      const failed = failing?.what.test(what) === true ? failing : null;
      if (failed !== null) failing = null;
      const [status, content] =
        failed?.after === false
          ? [failed.status, { message: 'no' }]
          : answer(request.method ?? '', url, body);
      const shown: [number, unknown] =
        failed === null ? [status, content] : [failed.status, { message: 'no' }];
      response.writeHead(shown[0], { 'content-type': 'application/json' });
      response.end(JSON.stringify(shown[1]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    pulls,
    asked,
    fail(what, status, after = false) {
      failing = { what, status, after };
    },
    kill(what, after, deed) {
      killing = { what, after, deed };
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
