import { existsSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';

/**
 * A process of its own that swaps a folder for a link to another folder and back, as fast as it can, until the file `stop` is
 * there: `node swapper.ts <folder> <target> <stop>`. It then leaves the folder as it was and writes how often it swapped.
 */
const [, , folder = '', target = '', stop = ''] = process.argv;
const kept = `${folder}.kept`;
/** A step fails where somebody has just made the folder anew; the next round goes on from there. */
function step(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
let swaps = 0;
while (!existsSync(stop)) {
  for (let i = 0; i < 50; i += 1) {
    if (!step(() => renameSync(folder, kept))) {
      // Somebody made the folder anew, so the kept one cannot come back: the new one goes out of the way.
      step(() => renameSync(folder, `${folder}.made-${swaps}-${i}`));
    }
    if (step(() => symlinkSync(target, folder))) swaps += 1;
    step(() => unlinkSync(folder));
    step(() => renameSync(kept, folder));
  }
}
writeFileSync(stop, String(swaps));
