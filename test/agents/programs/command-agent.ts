import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { env } from 'node:process';

/** A program as an agent: JSON in, JSON out. Its first argument says what it does between. */
type Act =
  | { readonly act: 'write'; readonly path: string; readonly content: string }
  | { readonly act: 'environment' }
  | { readonly act: 'read'; readonly path: string }
  | { readonly act: 'fetch'; readonly path: string }
  /** Calls the model so many times, or until it says that this is enough. */
  | { readonly act: 'call'; readonly times: number }
  /** Tells of a call it made. */
  | { readonly act: 'tell'; readonly usage: Record<string, unknown> }
  | { readonly act: 'hang' }
  /** Asks for another task and ends, unless it was told of it. */
  | { readonly act: 'need'; readonly task: string }
  /** Hears what other agents left for it. */
  | { readonly act: 'notes' }
  | { readonly act: 'flood' }
  | { readonly act: 'exit'; readonly code: number }
  | { readonly act: 'print'; readonly text: string };

const { OPENAI_BASE_URL: base, OPENAI_API_KEY: key } = env;
const acts: readonly Act[] = JSON.parse(process.argv[2] ?? '[]');
const input = JSON.parse(readFileSync(0, 'utf8'));
const heard: string[] = [`${input.version} ${input.agent} ${input.result.kind} ${existsSync('src/a.js')}`];

for (const act of acts) {
  switch (act.act) {
    case 'write':
      try {
        writeFileSync(act.path, act.content.replaceAll('%heard%', heard.join('\n')));
      } catch (error) {
        heard.push(error instanceof Error ? error.message : 'failed');
      }
      break;
    case 'environment':
      heard.push(JSON.stringify(Object.keys(env).sort()));
      break;
    case 'read':
      try {
        heard.push(readFileSync(act.path, 'utf8').slice(0, 200));
      } catch (error) {
        heard.push(error instanceof Error ? error.message : 'failed');
      }
      break;
    case 'fetch':
      try {
        const answer = await fetch(new URL(act.path, `${base}/`), {
          method: 'POST',
          body: '{}',
        });
        heard.push(`${answer.status} ${await answer.text()} with ${key}`);
      } catch (error) {
        heard.push(error instanceof Error ? error.message : 'failed');
      }
      break;
    case 'call':
      for (let at = 0; at < act.times; at += 1) {
        const answer = await fetch(`${base}/chat/completions`, { method: 'POST', body: '{}' });
        const text = await answer.text();
        heard.push(`call: ${answer.status} ${text.slice(0, 100)}`);
        if (text.includes('enough')) break;
      }
      break;
    case 'tell':
      process.stdout.write(`${JSON.stringify({ usage: act.usage })}\n`);
      break;
    case 'need': {
      const told = input.needed.find(({ task }: { readonly task: string }) => task === act.task);
      if (told === undefined) {
        process.stdout.write(JSON.stringify({ need: { task: act.task, why: 'It shows it.' } }));
        process.exit(0);
      }
      heard.push(`${act.task}: ${told.answer} ${input.prompt.includes(told.answer)}`);
      break;
    }
    case 'notes':
      heard.push(JSON.stringify(input.notes), input.prompt);
      break;
    case 'hang':
      for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    case 'flood':
      for (let at = 0; at < 200; at += 1) process.stdout.write('x'.repeat(65_536));
      break;
    case 'exit':
      console.error('out of luck');
      process.exit(act.code);
      break;
    case 'print':
      process.stdout.write(
        act.text.replaceAll('%heard%', JSON.stringify(JSON.stringify(heard)).slice(1, -1)),
      );
      break;
    default:
      act satisfies never;
  }
}
