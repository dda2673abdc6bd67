import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { toolServer } from './mcp-tools.ts';

/** A real tool server over standard input and output. Its first argument says what it is like. */
const script = JSON.parse(process.argv[2] ?? '{"tools":[]}');

switch (script.greets) {
  case 'exit':
    console.error('no configuration found');
    process.exit(7);
    break;
  case 'hang':
    setInterval(() => undefined, 1_000);
    break;
  case 'text':
    for (let at = 0; at < 200; at += 1) console.log('Welcome to the tracker!');
    setInterval(() => undefined, 1_000);
    break;
  default:
    await toolServer(script).connect(new StdioServerTransport());
}
