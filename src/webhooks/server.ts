import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WebHooks } from './web-hooks.ts';

/** A sender has this long for its whole request: an open connection must not cost anything for ever. */
const REQUEST_MS = 10_000;

/** A door for webhooks alone, where Slack does not come over HTTP. */
export class HookServer {
  readonly #server: Server;
  readonly #port: number;

  constructor(hooks: WebHooks, port: number, onError: (error: unknown) => void) {
    this.#port = port;
    this.#server = createServer(
      { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
      (request, response) => {
        if (!hooks.takes(request)) {
          response.writeHead(404).end();
          return;
        }
        hooks.serve(request, response).catch((error: unknown) => {
          onError(error);
          if (!response.headersSent) response.writeHead(500).end();
        });
      },
    );
  }

  /** Its address. @throws when the port is taken */
  async start(): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(this.#port, '127.0.0.1', resolve);
    await promise;
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The door for webhooks has no port');
    return `http://127.0.0.1:${address.port}`;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
