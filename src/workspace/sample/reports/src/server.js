import { createServer } from 'node:http';
import { answer } from './index.js';

const server = createServer((request, response) => {
  const { status, headers, body } = answer(request.url ?? '/');
  response.writeHead(status, headers).end(body);
});

server.listen(8080, '127.0.0.1', () => console.log('Reports on http://127.0.0.1:8080'));
