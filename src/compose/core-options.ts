import type { PriceTable } from '../agents/model/prices.ts';
import type { EventSettings } from '../config/config.ts';
import type { StepLimits } from '../domain/agent.ts';
import type { BudgetSettings } from '../domain/budget.ts';
import type { FlagSettings } from '../domain/flags.ts';
import type { McpSettings } from '../domain/mcp-settings.ts';
import type { PeopleSettings } from '../domain/person-task.ts';
import type { Inventory } from '../domain/resources.ts';
import type { Runners } from '../domain/runner-settings.ts';
import type { RequestDefaults } from '../domain/start-options.ts';
import type { Rates } from '../domain/usage.ts';
import type { Workflow } from '../domain/workflow.ts';
import type { EmbeddedEngine, EngineOptions } from '../engine/engine.ts';
import type { PolicySettings } from '../policy/approval-settings.ts';
import type { Directory } from '../ports/directory.ts';
import type { ChecksOptions } from './checks.ts';
import type { ModelsOptions } from './models.ts';

export interface CoreOptions extends ModelsOptions {
  readonly home: string;
  /** Null: the rehearsal's sample, made when it is not there. */
  readonly repository: string | null;
  /** Where branches are pushed and pull requests opened; null or absent: there is no token. */
  readonly github?: { readonly server: string; readonly api: string; readonly token: string } | null;
  /** The ssh agent's socket, for fetching repositories over ssh; commands never see it. */
  readonly sshAuthSock?: string | undefined;
  /** A PEM file of authorities trusted beside the usual ones, for https. */
  readonly extraAuthorities?: string | undefined;
  readonly commandMemoryBytes?: number | null | undefined;
  readonly commandDiskBytes?: number | null | undefined;
  readonly repositories: readonly string[] | null;
  readonly policy: PolicySettings;
  /** Who people are; without it, whoever `connectDirectory` brings, and until then nobody may decide. */
  readonly directory?: Directory;
  /** People who can be given tasks, and what for; nobody in particular unless given. */
  readonly people?: PeopleSettings;
  /** Switches by channel, until somebody changes them there. */
  readonly flags?: FlagSettings;
  /** What requests are like unless they say otherwise. */
  readonly requests?: RequestDefaults;
  /** What `uses:` in workflows may name; nothing unless given. */
  readonly resources?: Inventory;
  /** Load of the processors in percent; this machine's unless given. */
  readonly cpuUsage?: () => number | null;
  readonly prices: PriceTable;
  /** What a run may use before it pauses and asks. Without it, what is said at its start. */
  readonly budget?: BudgetSettings;
  /** Caps of one piece of an agent's work, where neither its node nor its role says otherwise. */
  readonly stepLimits?: StepLimits;
  /** What time costs, of machines and of people. */
  readonly rates?: Rates;
  /** Without them, the events that Baton knows, and nobody but the runs that wait for them. */
  readonly events?: EventSettings;
  /** Programs that play agents; Baton's own loop with a model plays all others. */
  readonly runners?: Runners;
  /** Servers whose tools agents may use. */
  readonly mcp?: McpSettings;
  /** Where the person's own roles and workflows lie, when that is not `home`. */
  readonly catalogHome?: string;
  /** Workflows beside those that ship; the same name replaces. */
  readonly extraWorkflows?: readonly Workflow[];
  /** Told of each workflow file that was changed and cannot be used; its last good version stays in use. */
  readonly onWorkflowProblem?: (problem: string) => void;
  readonly onStoreTrouble: (error: unknown) => void;
  /** Joins the engine out of its parts, which may be stood before first; the embedded engine as it is unless given. */
  readonly createEngine?: (parts: EngineOptions) => EmbeddedEngine;
  /** Told when a model server, a runner's program or a tool server is no longer as it was at the last look. */
  readonly onHealth?: ChecksOptions['onHealth'];
  /** Where git and ssh are looked for; the system's folders unless given. */
  readonly searchPath?: string;
}
