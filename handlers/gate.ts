import { z } from 'zod';
import type { StartRefusal } from '../src/domain/control.ts';
import type { Roles } from '../src/orchestrator/roles.ts';
import type { Directory } from '../src/ports/directory.ts';
import type { AuditStore, Delivery } from '../src/ports/store.ts';
import type { Answers } from '../src/slack/answers.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
import { lookRefusalWords } from '../src/slack/control-words.ts';

export interface GateDeps {
  readonly roles: Roles;
  readonly directory: Directory;
  readonly answers: Answers;
  readonly audit: Pick<AuditStore, 'turnedAway'>;
  /** Whether Baton is installed in a workspace: nobody else's people can be looked up, or answered. */
  readonly isHere: (team: string) => boolean;
  readonly now: () => number;
  /** Whether a word of `/orchestrate` starts work. */
  readonly starts: (word: string) => boolean;
  readonly rehearsal: boolean;
}

const whoSchema = z.looseObject({
  team: z.string(),
  user: z.string(),
  channel: z.string().default(''),
  word: z.string().default(''),
});

/**
 * Deliveries whose own rules turn people away, in words that fit and with a row in the audit: deciding, starting, and
 * what people write, most of which is none of Baton's business. Everything else takes at least the right to look.
 */
const OWN_RULES: ReadonlySet<string> = new Set([
  'approve-click',
  'reject-click',
  'request_changes-click',
  'ask-click',
  'contents_form',
  'reject_form',
  'changes_form',
  'ask_form',
  'amount-click',
  'amount_form',
  'start-form',
  'said',
  'changed',
]);

/** The gate before every door: who may not even look gets no further, whichever way they come. */
export class Gate {
  readonly #deps: GateDeps;

  constructor(deps: GateDeps) {
    this.#deps = deps;
  }

  /** Why somebody may not look; null when they may. */
  async refusal(team: string, user: string): Promise<StartRefusal | null> {
    const { roles, directory } = this.#deps;
    return roles.looks(await directory.person(user, team, false), null);
  }

  /** Whether what came in may be handled; when not, the person has been told. What no person sent is let through. */
  async admit({ kind, intent, payload }: Delivery): Promise<boolean> {
    const { answers, rehearsal, starts, isHere } = this.#deps;
    const who = whoSchema.safeParse(payload).data;
    if (who === undefined || OWN_RULES.has(kind) || (kind === 'command' && starts(who.word))) return true;
    const { team, user, channel } = who;
    if (!isHere(team)) {
      await this.#note(kind, who, 'other_team');
      return false;
    }
    const refusal = await this.refusal(team, user);
    if (refusal === null) return true;
    // The App Home says it itself.
    if (kind === 'home') return true;
    await this.#note(kind, who, refusal);
    await answers.send({ intent, team, user, channel }, answerBlocks(lookRefusalWords(refusal), rehearsal));
    return false;
  }

  /** Why somebody gets no form to look at, in words, and in the audit; null when they may look. */
  async refusedForm(team: string, user: string, channel: string): Promise<string | null> {
    const refusal = await this.refusal(team, user);
    if (refusal === null) return null;
    await this.#note('form', { team, user, channel, word: '' }, refusal);
    return lookRefusalWords(refusal);
  }

  async #note(
    what: string,
    { team, user, channel, word }: z.infer<typeof whoSchema>,
    why: string,
  ): Promise<void> {
    const { audit, now } = this.#deps;
    await audit.turnedAway({ team, user, place: channel, what, value: word, why }, now());
  }
}
