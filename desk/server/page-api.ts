import { z } from 'zod';
import {
  actionInputSchema,
  closeInputSchema,
  commandInputSchema,
  messageInputSchema,
  type Person,
  type Snapshot,
  submitInputSchema,
} from '../contract.ts';
import type { Desk } from './desk.ts';
import { runAction } from './interactions/actions.ts';
import { runCommand } from './interactions/commands.ts';
import { runDm, runMessage } from './interactions/messages.ts';
import type { Outcome } from './interactions/outcome.ts';
import { openHome, runClose, runSubmit } from './interactions/submissions.ts';
import { pageView } from './modals.ts';
import { canSee, pageMessage } from './timeline.ts';

/** Newest messages of each channel in a snapshot; a page that needs more is a rehearsal too far. */
const SNAPSHOT_MESSAGES = 500;

const homeSchema = z.object({ user: z.string() });
const dmSchema = z.object({ user: z.string(), with: z.string() });

/** The person meant, or the first one who is no bot. */
export function actingPerson(desk: Desk, id: string | null): Person {
  const people = desk.directory.people();
  const found = people.find((person) => person.id === id && !person.isBot);
  const fallback = found ?? people.find((person) => !person.isBot);
  if (fallback === undefined) throw new Error('The workspace has no people.');
  return fallback;
}

/** Everything that `user` can see. */
export function snapshot(desk: Desk, user: string): Snapshot {
  const { identity, setup } = desk;
  const channels = desk.directory.channels().filter((channel) => canSee(desk, user, channel));
  const home = desk.views.home(user);
  return {
    team: { id: identity.teamId, name: identity.teamName },
    app: {
      id: identity.appId,
      name: setup.name,
      botUser: identity.botUser,
      connected: desk.link.connected(),
    },
    people: desk.directory.people(),
    channels,
    messages: channels.flatMap((channel) =>
      desk.messages.recent(channel.id, user, SNAPSHOT_MESSAGES).map(pageMessage),
    ),
    modals: desk.views.stack(user).map(pageView),
    home: home === undefined ? null : pageView(home),
    commands: setup.commands.map((command) => ({
      command: command.command,
      description: command.description,
      usageHint: command.usage_hint,
    })),
  };
}

type Deed = (desk: Desk, body: unknown) => Promise<Outcome>;

/** Reads the body for a deed; a body of another shape is refused in plain words. */
function deed<T>(schema: z.ZodType<T>, run: (desk: Desk, input: T) => Outcome | Promise<Outcome>): Deed {
  return async (desk, body) => {
    const input = schema.safeParse(body);
    if (!input.success) return { ok: false, error: `invalid_input: ${z.prettifyError(input.error)}` };
    return await run(desk, input.data);
  };
}

/** What a person can do on the page, by the last part of the path. */
export const DEEDS: Readonly<Record<string, Deed>> = Object.freeze({
  message: deed(messageInputSchema, runMessage),
  command: deed(commandInputSchema, runCommand),
  action: deed(actionInputSchema, runAction),
  submit: deed(submitInputSchema, runSubmit),
  close: deed(closeInputSchema, runClose),
  home: deed(homeSchema, (desk, input) => openHome(desk, input.user)),
  dm: deed(dmSchema, (desk, input) => runDm(desk, input.user, input.with)),
});
