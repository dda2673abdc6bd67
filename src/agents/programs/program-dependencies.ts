import { BatonError } from '../../domain/failure.ts';
import type { RunnerSettings } from '../../domain/runner-settings.ts';
import type { Clock } from '../../ports/clock.ts';
import type { GuidanceStore } from '../../ports/guidance.ts';
import type { Redact } from '../../ports/redactor.ts';
import type { Workspace } from '../../ports/workspace.ts';
import type { ModelBroker } from './model-broker.ts';
import type { ProgramMoney } from './spending.ts';

/** What programs that play agents need of the rest. */
export interface ProgramDependencies {
  readonly runners: Readonly<Record<string, RunnerSettings>>;
  readonly workspaceOf: (runId: string, stream: string | null) => Promise<Workspace>;
  readonly allowUnsandboxed: (call: {
    readonly runId: string;
    readonly stream: string | null;
    readonly argv: readonly string[];
    readonly key: string;
  }) => Promise<boolean>;
  readonly redact: Redact;
  readonly clock: Clock;
  readonly broker: ModelBroker;
  /** What agents of a run told one another. */
  readonly guidance: Pick<GuidanceStore, 'notes'>;
  readonly money: ProgramMoney;
}

/** @throws BatonError needs_person / `runner_unknown` */
export function settingsOf(runners: ProgramDependencies['runners'], name: string): RunnerSettings {
  const settings = runners[name];
  if (settings !== undefined) return settings;
  throw new BatonError({
    class: 'needs_person',
    code: 'runner_unknown',
    message: `There is no runner “${name}” in baton.yaml any more, and this run began with it.`,
    hint: 'Put it back under `runners:`, restart Baton, then choose Retry.',
  });
}
