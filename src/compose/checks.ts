import { existsSync } from 'node:fs';
import { probeServer } from '../agents/mcp/probe.ts';
import { lookAtModel } from '../agents/model/reachable.ts';
import { hostOf } from '../domain/host-of.ts';
import type { McpSettings } from '../domain/mcp-settings.ts';
import type { RunnerSettings, Runners } from '../domain/runner-settings.ts';
import { type Checked, HealthChecks } from '../ops/health-checks.ts';
import type { HealthStore } from '../ports/health.ts';
import { SYSTEM_PATH } from '../workspace/sandbox/bubblewrap.ts';
import type { ModelEndpoint, ModelsOptions } from './models.ts';

export interface ChecksOptions
  extends Pick<ModelsOptions, 'model' | 'backups' | 'rehearsal' | 'clock' | 'redact'> {
  readonly runners?: Runners;
  readonly mcp?: McpSettings;
  readonly health: HealthStore;
  /** Told where something is no longer as it was at the last look. */
  readonly onHealth?:
    | ((seen: { readonly kind: string; readonly name: string; readonly problem: string | null }) => void)
    | undefined;
}

/** Looks at what agents need, while Baton runs; the rehearsal's own server is looked after by whoever started it. */
export function joinChecks(options: ChecksOptions): HealthChecks {
  const { model, backups = [], rehearsal, health, clock, redact, onHealth } = options;
  return new HealthChecks({
    checked: thingsToCheck(rehearsal ? [] : [model, ...backups], options),
    health,
    clock,
    redact,
    changed: (seen) => onHealth?.(seen),
  });
}

/** Tool servers that are programs are not among them: they are started where there is work for them, and by `baton doctor`. */
function thingsToCheck(
  models: readonly ModelEndpoint[],
  { runners = {}, mcp = { servers: {}, values: {} }, clock }: ChecksOptions,
): Checked[] {
  const web = Object.entries(mcp.servers).filter(([, { kind }]) => kind === 'http');
  return [
    ...models.map(
      (model): Checked => ({
        kind: 'model',
        name: `${model.model}@${hostOf(model.baseUrl)}`,
        look: (signal) => lookAtModel(model, signal),
      }),
    ),
    ...Object.entries(runners).map(
      ([name, settings]): Checked => ({
        kind: 'runner',
        name,
        look: async () => {
          if (!isInstalled(settings)) throw new Error(`${settings.command} was not found`);
        },
      }),
    ),
    ...web.map(
      ([name]): Checked => ({
        kind: 'server',
        name,
        look: async () => {
          await probeServer(name, mcp, { start: nowhere }, clock);
        },
      }),
    ),
  ];
}

function nowhere(): never {
  throw new Error('programs are not started to look at them');
}

/** Whether a runner's program is where the sandbox would look for it. Node itself is brought along. */
export function isInstalled({ command }: RunnerSettings): boolean {
  if (command === 'node') return true;
  const places = command.startsWith('/')
    ? [command]
    : SYSTEM_PATH.split(':').map((folder) => `${folder}/${command}`);
  return places.some((place) => existsSync(place));
}
