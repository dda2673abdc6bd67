import type { Json } from '../../../src/domain/json.ts';
import type { Outcome } from '../../../src/domain/run.ts';
import type { Flow, Operation } from '../../../src/ports/flow.ts';
import { Lab, program } from '../lab.ts';
import { type Rig, type RigOptions, specOf } from '../rig.ts';

export interface Scene {
  readonly lab: Lab;
  readonly rig: Rig;
  /** Starts a run of the scene's program `p`; its id is `r` unless given. */
  readonly start: (id?: string, input?: Json) => Promise<void>;
  readonly ended: (id?: string) => Promise<void>;
  readonly outcome: (id?: string) => Promise<Outcome | null | undefined>;
}

export type SetUp = (
  body: (flow: Flow, input: Json) => Operation<Json>,
  extra?: Partial<RigOptions>,
) => Scene;

interface Stage {
  readonly setUp: SetUp;
  close(): Promise<void>;
}

/** Scenes on fresh rigs, which `close` closes. */
export function scenes(open: (options: RigOptions) => Rig): Stage {
  const rigs: Rig[] = [];
  const setUp: SetUp = (body, extra = {}) => {
    const lab = new Lab();
    const rig = open({ programs: [program('p', body)], activities: [lab.activity], ...extra });
    rigs.push(rig);
    const over = async (id: string) => ['completed', 'failed', 'cancelled'].includes(await rig.status(id));
    return {
      lab,
      rig,
      start: (id = 'r', input = null) => rig.engine.start(id, specOf('p', input)),
      ended: (id = 'r') => rig.until(() => over(id), `the end of ${id}`),
      outcome: async (id = 'r') => (await rig.engine.status(id))?.outcome,
    };
  };
  return {
    setUp,
    async close() {
      for (const rig of rigs.splice(0)) await rig.close();
    },
  };
}
