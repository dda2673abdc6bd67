import { availableParallelism, loadavg } from 'node:os';

/** The load of the last minute over the processors there are; null on a system that does not tell. */
export function hostLoad(): number | null {
  const [minute] = loadavg();
  return minute === undefined || process.platform === 'win32'
    ? null
    : (minute / availableParallelism()) * 100;
}
