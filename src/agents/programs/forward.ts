import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { env } from 'node:process';

/**
 * Runs inside the sandbox, before a program that may speak to the model: a port of the sandbox's own loopback leads through a
 * socket to Baton, which adds the key. Imports nothing of Baton, so that it can be shown there alone.
 * Arguments: the socket, then the program and its arguments. `{{ model.url }}` in variables and arguments is filled in.
 */
const [socket = '', command = '', ...args] = process.argv.slice(2);

const server = createServer((inner) => {
  const outer = connect(socket);
  const close = () => {
    inner.destroy();
    outer.destroy();
  };
  inner.on('error', close);
  outer.on('error', close);
  inner.pipe(outer).pipe(inner);
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  const url = `http://127.0.0.1:${port}/v1`;
  const fill = (text: string) => text.replaceAll('{{ model.url }}', url);
  const given = Object.entries(env).map(([name, value]): [string, string] => [name, fill(value ?? '')]);
  const child = spawn(command, args.map(fill), {
    stdio: 'inherit',
    env: { OPENAI_BASE_URL: url, OPENAI_API_KEY: 'kept-by-baton', ...Object.fromEntries(given) },
  });
  child.on('error', (error) => {
    console.error(error.message);
    process.exit(127);
  });
  child.on('exit', (code) => process.exit(code ?? 1));
});
