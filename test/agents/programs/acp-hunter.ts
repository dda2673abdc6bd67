import { createInterface } from 'node:readline';
import { hunt } from './hunt.ts';

/** As the hunter, but it speaks the Agent Client Protocol: it looks when it is prompted, and tells with its last words. */
function send(message: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  if (id === undefined) return;
  if (method === 'initialize') send({ id, result: { protocolVersion: 1, agentCapabilities: {} } });
  else if (method === 'session/new') send({ id, result: { sessionId: 's1' } });
  else if (method === 'session/prompt') {
    const content = { type: 'text', text: hunt(process.argv[2] ?? '') };
    const update = { sessionUpdate: 'agent_message_chunk', content };
    send({ method: 'session/update', params: { sessionId: 's1', update } });
    send({ id, result: { stopReason: 'end_turn' } });
  } else send({ id, error: { code: -32_601, message: 'unknown' } });
});
