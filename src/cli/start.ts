import { beginLocal } from '../compose/local.ts';
import { configFromEnvironment } from './environment.ts';

/** `baton start`: runs until it is told to stop. */
export async function start(): Promise<number> {
  // Listened to from the beginning: a stop while starting is as polite as any other.
  const stopped = new Promise<string>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve(name));
  });
  const config = configFromEnvironment();
  const local = beginLocal(config);
  // Read only now: libraries take a second to load, in which desk and cast come up beside it.
  const { startBaton } = await import('../start.ts');
  const running = await startBaton(config, local);
  console.log(running.lines.join('\n'));
  // Who was taken over ends by the error, and without a word to desk and cast: the other one has them now.
  const signal = await Promise.race([stopped, running.takenOver]);
  console.log(`\nStopping (${signal}); work goes on where it is at the next start.`);
  await running.stop();
  // Sockets of libraries may linger; everything of ours has ended.
  process.exit(0);
}
