import { engineContract } from './contract.ts';
import { embeddedRig } from './rig.ts';

engineContract('embedded', embeddedRig);
