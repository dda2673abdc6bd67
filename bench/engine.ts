import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { type Figure, line, met } from './engine/figures.ts';
import { flatness } from './engine/flatness.ts';
import { parking } from './engine/parking.ts';
import { resuming } from './engine/resuming.ts';
import { throughput } from './engine/throughput.ts';
import { openWorld, withFolder } from './engine/world.ts';

/**
 * The engine's figures, each the median of five. `--check` exits with 1 when a promised one is missed: only a quiet
 * machine can tell, so nothing else fails by it.
 */
await withFolder(async (folder) => {
  describeMachine(folder);
  const figures: Figure[] = [];
  for (const part of [throughput, parking, resuming, flatness]) {
    for (const figure of await part(folder)) {
      figures.push(figure);
      console.log(line(figure));
    }
  }
  const missed = figures.filter((figure) => met(figure) === false);
  console.log(`\nload at the end: ${load()}; ${missed.length} of the promised figures missed`);
  if (process.argv.includes('--check') && missed.length > 0) process.exitCode = 1;
});

/** Bound to no moment: what a reader needs to compare with another machine. */
function describeMachine(folder: string): void {
  const world = openWorld(path.join(folder, 'look.db'));
  const { raw } = world.store;
  const pragma = (name: string): unknown => raw.pragma(name, { simple: true });
  const sqlite = raw.prepare('select sqlite_version()').pluck().get();
  console.log(`${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, load ${load()}`);
  console.log(`node ${process.versions.node}, SQLite ${String(sqlite)}`);
  const names = ['journal_mode', 'synchronous', 'wal_autocheckpoint', 'cache_size', 'page_size'];
  console.log(
    `${names.map((name) => `${name}=${String(pragma(name))}`).join(' ')} (synchronous 2 is FULL)\n`,
  );
  void world.stop();
}

function load(): string {
  return loadavg()
    .map((each) => each.toFixed(1))
    .join(' ');
}
