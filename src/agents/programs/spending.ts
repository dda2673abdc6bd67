import type { AgentTask } from '../../domain/agent.ts';
import { dollarsOf, type WorstCase } from '../../domain/budget.ts';
import { BatonError } from '../../domain/failure.ts';
import { computeUsage, programUsage, type Usage } from '../../domain/usage.ts';
import type { Clock } from '../../ports/clock.ts';
import { capReached } from '../guards.ts';
import { type PriceTable, priceOf } from '../model/prices.ts';
import type { Tokens } from '../transcript.ts';
import type { Passage } from './model-broker.ts';
import type { TaskSpent, ToldCall } from './reports.ts';

/** Milliseconds between looks at what the run may use while a program works, which may tell nothing for long. */
const LOOK_MS = 15_000;

/** What the use of programs is counted and held by. */
export interface ProgramMoney {
  readonly prices: PriceTable;
  /** What counts where no price is known. */
  readonly worst: WorstCase;
  /** Rejects when the run may use nothing more. */
  readonly pass: (runId: string) => Promise<void>;
  /** What was used and is not stored yet counts against the run, until what is returned is called. */
  readonly watch: (runId: string, source: () => readonly Usage[]) => () => void;
  /** US dollars for a second of a program. */
  readonly computeSecondUsd: number;
}

export interface SpendingOptions {
  readonly money: ProgramMoney;
  readonly clock: Clock;
  readonly runId: string;
  readonly agent: string;
  readonly runner: string;
  readonly limits: AgentTask['limits'];
  /** What its task had used before this process. */
  readonly before: TaskSpent;
  /** Ends the program. */
  readonly stop: (why: unknown) => void;
}

/**
 * What one process of a program uses, held against the caps of its step and of its run. Calls that pass through Baton are
 * counted one by one, and one that would go beyond a cap is not made; where none passes, what the program tells counts, as soon as
 * it tells it. A program that tells nothing leaves an entry of unknown price, and only time holds it.
 */
export class ProgramSpending {
  readonly #options: SpendingOptions;
  readonly #unwatch: () => void;
  #spent: TaskSpent;
  #given: TaskSpent;
  #rows: Usage[] = [];
  /** Calls that passed through Baton. */
  #seen = 0;
  #modelMs = 0;
  #toldCalls = 0;
  /** What the turn under way told of itself; null: no turn is under way. */
  #turn: { readonly context: number; readonly usd: number } | null = null;
  /** Dollars of the session, as it told them last, and as they are in entries. */
  #session = { told: 0, entered: 0 };
  #startedAt: number | null = null;
  #stopLooking: () => void = () => undefined;
  #looks: Promise<void> = Promise.resolve();
  #stopped: { readonly why: unknown } | null = null;

  constructor(options: SpendingOptions) {
    this.#options = options;
    this.#spent = options.before;
    this.#given = options.before;
    this.#unwatch = options.money.watch(options.runId, () => [
      ...this.#rows,
      ...this.#toldSoFar(),
      ...this.#compute(),
    ]);
  }

  /** For calls through Baton. */
  get passage(): Passage {
    return {
      begin: async () => {
        this.#hold();
        this.#throwIfStopped();
        this.#spent = { ...this.#spent, turns: this.#spent.turns + 1 };
        await this.#look();
        try {
          this.#throwIfStopped();
        } catch (error) {
          this.#refund();
          throw error;
        }
        const startedAt = this.#options.clock.monotonic();
        this.#seen += 1;
        return (told) => {
          if (told === null) this.#refund();
          else this.#passed(told.model, told.tokens, this.#options.clock.monotonic() - startedAt);
        };
      },
    };
  }

  /** It works from now on. */
  begin(): void {
    this.#startedAt = this.#options.clock.monotonic();
    const again = (): void => {
      void this.#look();
      this.#stopLooking = this.#options.clock.after(LOOK_MS, again);
    };
    this.#stopLooking = this.#options.clock.after(LOOK_MS, again);
  }

  /** It was given something to do; an answer ends it. */
  turnBegan(): void {
    this.#turn = { context: 0, usd: 0 };
  }

  /** One call, as the program told it. */
  toldCall({ model, usd, ...tokens }: ToldCall): void {
    if (this.#seen > 0) return;
    this.#toldCalls += 1;
    const { runner, agent, money } = this.#options;
    const price = (model === undefined ? null : priceOf(model, tokens, money.prices)) ?? priceTold(usd ?? 0);
    this.#add(programUsage(agent, model ?? runner, 0, tokens, price), 1);
    // It is told of when it was made: the last one that is allowed is no reason to end it.
    this.#hold(1);
    void this.#look();
  }

  /** How large its context is, in tokens, and what its session cost so far, in dollars, as it told it in the middle of a turn. */
  toldSoFar(context: number, sessionUsd: number | null): void {
    if (this.#seen > 0 || this.#turn === null) return;
    this.#session.told = Math.max(this.#session.told, sessionUsd ?? 0);
    this.#turn = {
      context: Math.max(this.#turn.context, context),
      usd: this.#session.told - this.#session.entered,
    };
    this.#hold();
    void this.#look();
  }

  /** The turn is over. @param tokens as it told them; null: it did not */
  turnEnded(tokens: Tokens | null): void {
    const [row] = this.#pending(tokens);
    this.#turn = null;
    this.#session.entered = this.#session.told;
    if (row !== undefined) this.#add(row, 0);
  }

  /** Waits for looks under way. @throws whatever the program was ended for */
  async settled(): Promise<void> {
    await this.#looks;
    this.#throwIfStopped();
  }

  /**
   * It works no more for now: what it used since this was last asked goes to `use`, to be stored.
   * @returns what of it counts against the caps of the task
   */
  enter(use: (usage: Usage) => void): TaskSpent {
    this.#stopLooking();
    for (const row of [...this.#rows, ...this.#compute()]) use(row);
    const spent = {
      turns: this.#spent.turns - this.#given.turns,
      tokens: this.#spent.tokens - this.#given.tokens,
      usd: this.#spent.usd - this.#given.usd,
    };
    this.#given = this.#spent;
    this.#rows = [];
    this.#modelMs = 0;
    this.#startedAt = null;
    return spent;
  }

  /** Nothing more comes of the process. */
  end(): void {
    this.#stopLooking();
    this.#unwatch();
  }

  /** A call that came to nothing is no turn. */
  #refund(): void {
    this.#spent = { ...this.#spent, turns: this.#spent.turns - 1 };
  }

  #passed(model: string | null, tokens: Tokens | null, ms: number): void {
    const { agent, runner, money } = this.#options;
    const price = model === null || tokens === null ? null : priceOf(model, tokens, money.prices);
    this.#modelMs += ms;
    this.#add(programUsage(agent, model ?? runner, ms, tokens, price), 0);
  }

  #add(row: Usage, turns: number): void {
    this.#rows.push(row);
    this.#spent = plus(this.#spent, turns, row, this.#options.money.worst);
  }

  /** What the turn under way has used by its own words; nothing where its calls are known one by one. */
  #pending(tokens: Tokens | null = null): Usage[] {
    if (this.#turn === null || this.#seen > 0 || this.#toldCalls > 0) return [];
    const { agent, runner } = this.#options;
    const { context, usd } = this.#turn;
    // Whoever has so much before it has read it at least once.
    const least = context === 0 ? null : { input: context, cached: 0, output: 0, reasoning: 0 };
    return [programUsage(agent, runner, 0, tokens ?? least, priceTold(usd))];
  }

  /** The same while it goes on: as long as nothing is told there is nothing to count. */
  #toldSoFar(): Usage[] {
    return this.#turn !== null && (this.#turn.context > 0 || this.#turn.usd > 0) ? this.#pending() : [];
  }

  /** The machine's time while it works: waiting for a model is none. */
  #compute(): Usage[] {
    if (this.#startedAt === null) return [];
    const { agent, clock, money } = this.#options;
    const ms = Math.max(0, clock.monotonic() - this.#startedAt - this.#modelMs);
    return [computeUsage(agent, ms, money.computeSecondUsd)];
  }

  /** Held against the caps of its step. */
  #hold(made = 0): void {
    const { limits, money } = this.#options;
    const spent = this.#toldSoFar().reduce((sum, row) => plus(sum, 0, row, money.worst), this.#spent);
    const reached = capReached({ ...spent, turns: spent.turns - made, workedMs: 0 }, limits);
    if (reached !== null) this.#stop(new BatonError(reached));
  }

  /** Held against what its run was given. */
  #look(): Promise<void> {
    const { money, runId } = this.#options;
    this.#looks = this.#looks.then(() => money.pass(runId)).catch((error: unknown) => this.#stop(error));
    return this.#looks;
  }

  #throwIfStopped(): void {
    if (this.#stopped !== null) throw this.#stopped.why;
  }

  #stop(why: unknown): void {
    if (this.#stopped !== null) return;
    this.#stopped = { why };
    this.#options.stop(why);
  }
}

function plus(spent: TaskSpent, turns: number, row: Usage, worst: WorstCase): TaskSpent {
  return {
    turns: spent.turns + turns,
    tokens: spent.tokens + row.inputTokens + row.outputTokens,
    usd: spent.usd + dollarsOf(row, worst).usd,
  };
}

/** A program that knows no price says nothing, or 0: neither means that it was free. */
function priceTold(usd: number): number | null {
  return usd > 0 ? usd : null;
}
