import { adaptive } from './adaptive.ts';
import { agent } from './agent.ts';
import { approval } from './approval.ts';
import { command } from './command.ts';
import { conditional } from './conditional.ts';
import { consensus } from './consensus.ts';
import { consult } from './consult.ts';
import { delegation } from './delegation.ts';
import { emit } from './emit.ts';
import { end } from './end.ts';
import { feedback } from './feedback.ts';
import { loop } from './loop.ts';
import { machine } from './machine.ts';
import { map } from './map.ts';
import { mesh } from './mesh.ts';
import { orchestrator } from './orchestrator.ts';
import { parallel } from './parallel.ts';
import type { Pattern } from './pattern.ts';
import { person } from './person.ts';
import { phases } from './phases.ts';
import { race } from './race.ts';
import { receive } from './receive.ts';
import { resourceAware } from './resource-aware.ts';
import { sequence } from './sequence.ts';
import { wait } from './wait.ts';
import { workflow } from './workflow.ts';

/** Every pattern that ships. A new one is added here and nowhere else. */
export const patterns: readonly Pattern[] = [
  sequence,
  parallel,
  conditional,
  loop,
  feedback,
  delegation,
  consensus,
  consult,
  mesh,
  phases,
  map,
  race,
  adaptive,
  resourceAware,
  orchestrator,
  machine,
  workflow,
  wait,
  end,
  emit,
  receive,
  agent,
  command,
  approval,
  person,
];
