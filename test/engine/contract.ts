import { afterEach, describe } from 'vitest';
import { concurrency } from './contract/concurrency.ts';
import { failures } from './contract/failures.ts';
import { lifecycle } from './contract/lifecycle.ts';
import { scenes } from './contract/set-up.ts';
import { versions } from './contract/versions.ts';
import type { Rig, RigOptions } from './rig.ts';

/** What every engine answers to. Run it with a function that opens a rig on an empty store. */
export function engineContract(name: string, open: (options: RigOptions) => Rig): void {
  describe(`engine contract: ${name}`, () => {
    const stage = scenes(open);
    const { setUp } = stage;
    afterEach(() => stage.close());
    describe('lifecycle', () => lifecycle(setUp));
    describe('concurrency', () => concurrency(setUp));
    describe('failures', () => failures(setUp));
    describe('versions', () => versions(setUp));
  });
}
