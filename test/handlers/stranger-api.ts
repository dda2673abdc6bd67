import { createServer } from 'node:http';
import { z } from 'zod';

const infoSchema = z.looseObject({ ok: z.literal(true), user: z.looseObject({ id: z.string() }) });

/** Slack's API as the desk has it, where some people come from another organisation, which the desk does not know of. */
export async function startStrangerApi(desk: string, isStranger: (id: string) => boolean) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = {
        'content-type': String(request.headers['content-type'] ?? 'application/json'),
        authorization: String(request.headers.authorization ?? ''),
      };
      const asked = { method: 'POST', headers, body: Buffer.concat(chunks) };
      fetch(`${desk}${request.url ?? ''}`, asked)
        .then(async (answer) => {
          const text = await answer.text();
          const info = infoSchema.safeParse(text === '' ? null : JSON.parse(text)).data;
          const changed =
            info !== undefined && isStranger(info.user.id)
              ? JSON.stringify({ ...info, user: { ...info.user, is_stranger: true } })
              : text;
          response.writeHead(answer.status, { 'content-type': 'application/json' }).end(changed);
        })
        .catch(() => response.writeHead(502).end());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
