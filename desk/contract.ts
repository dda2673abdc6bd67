import { z } from 'zod';

/**
 * What the desk's server and its page say to each other. The page reads one snapshot, follows the event
 * stream, and posts what the acting person does; the server answers every POST with `{ok}` or a plain error.
 *
 * GET  /desk/snapshot?user=U…        -> Snapshot (what this person can see)
 * GET  /desk/stream?user=U…          -> text/event-stream of DeskEvent (id: rising number; reconnect with Last-Event-ID)
 * POST /desk/message   MessageInput  -> {ok, ts}
 * POST /desk/command   CommandInput  -> {ok} | {ok:false, error} (error as Slack shows it: dispatch_failed, operation_timeout …)
 * POST /desk/action    ActionInput   -> {ok} | {ok:false, error}
 * POST /desk/submit    SubmitInput   -> {ok} | {ok:false, errors:{block_id: text}}
 * POST /desk/close     CloseInput    -> {ok}
 * POST /desk/home      {user}        -> {ok}   (opens App Home: sends app_home_opened)
 * POST /desk/dm        {user, with}  -> {ok, channel}
 * GET  /desk/stats                   -> Stats (what tests count)
 *
 * Notes of the page for the server (additive):
 * - `/desk/snapshot` without `user` (or with one it does not know) answers for the first person who is no bot.
 * - `state` in an action or a submit is `{values: {block_id: {action_id: …}}}`, as in Slack's payloads.
 * - Blocks carry a `block_id` and elements an `action_id`: the server fills in missing ones, as Slack does.
 * - `text` of a message is what was typed; the server escapes it and makes mentions of `@name` and `#channel`.
 * - `activity` on a person's stream tells of a direct message, an ephemeral message or a mention for *somebody
 *   else*, without its content, so that the person switcher can show a badge.
 * - A new reply in a thread also sends the parent's `message` event with its new replyCount.
 */

const json = z.record(z.string(), z.unknown());

export const personSchema = z.object({
  id: z.string(),
  name: z.string(),
  realName: z.string(),
  isBot: z.boolean(),
  isGuest: z.boolean(),
  timeZone: z.string(),
});
export type Person = z.infer<typeof personSchema>;

export const channelSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['public', 'private', 'im']),
  members: z.array(z.string()),
  archived: z.boolean(),
});
export type Channel = z.infer<typeof channelSchema>;

/** A message as Slack keeps it. `threadTs` equals `ts` for a thread's parent; `ephemeralFor` hides it from others. */
export const messageSchema = z.object({
  channel: z.string(),
  ts: z.string(),
  threadTs: z.string().nullable(),
  user: z.string(),
  text: z.string(),
  blocks: z.array(json),
  editedTs: z.string().nullable(),
  ephemeralFor: z.string().nullable(),
  replyCount: z.number(),
  deleted: z.boolean(),
});
export type Message = z.infer<typeof messageSchema>;

/** A modal or the App Home of one person. `hash` changes with every update. */
export const viewSchema = z.object({
  id: z.string(),
  user: z.string(),
  type: z.enum(['modal', 'home']),
  callbackId: z.string(),
  title: z.string(),
  submit: z.string().nullable(),
  close: z.string().nullable(),
  blocks: z.array(json),
  hash: z.string(),
});
export type View = z.infer<typeof viewSchema>;

export const snapshotSchema = z.object({
  team: z.object({ id: z.string(), name: z.string() }),
  app: z.object({ id: z.string(), name: z.string(), botUser: z.string(), connected: z.boolean() }),
  people: z.array(personSchema),
  channels: z.array(channelSchema),
  messages: z.array(messageSchema),
  /** The stack of open modals of this person, the top one last. */
  modals: z.array(viewSchema),
  home: viewSchema.nullable(),
  commands: z.array(z.object({ command: z.string(), description: z.string(), usageHint: z.string() })),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

export const deskEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message'), message: messageSchema }),
  z.object({ type: z.literal('channel'), channel: channelSchema }),
  z.object({ type: z.literal('modals'), modals: z.array(viewSchema) }),
  z.object({ type: z.literal('home'), home: viewSchema }),
  z.object({ type: z.literal('app'), connected: z.boolean() }),
  z.object({ type: z.literal('notice'), text: z.string() }),
  z.object({ type: z.literal('activity'), user: z.string(), channel: z.string(), ts: z.string() }),
]);
export type DeskEvent = z.infer<typeof deskEventSchema>;

export const messageInputSchema = z.object({
  user: z.string(),
  channel: z.string(),
  text: z.string().min(1).max(12_000),
  threadTs: z.string().optional(),
});
export const commandInputSchema = z.object({
  user: z.string(),
  channel: z.string(),
  command: z.string(),
  text: z.string().max(12_000),
  /** Set when it was typed in a thread; the server then refuses, as Slack does. */
  threadTs: z.string().optional(),
});
/** `action` is the element's own payload (action_id, block_id, type, value or selected_option …); `state` all inputs' values as Slack sends them. */
export const actionInputSchema = z.object({
  user: z.string(),
  container: z.union([
    z.object({ type: z.literal('message'), channel: z.string(), ts: z.string() }),
    z.object({ type: z.literal('view'), viewId: z.string() }),
  ]),
  action: json,
  state: json.optional(),
});
export const submitInputSchema = z.object({ user: z.string(), viewId: z.string(), state: json });
export const closeInputSchema = z.object({ user: z.string(), viewId: z.string() });

export const statsSchema = z.object({
  /** Calls per Web API method, and how many of them were answered 429. */
  calls: z.record(z.string(), z.object({ calls: z.number(), limited: z.number(), errors: z.number() })),
  posts: z.number(),
  /** Posts whose metadata.event_payload.outbox_id had been seen on an earlier message. */
  doubledPosts: z.number(),
  /** Milliseconds from envelope out to ack in, one per envelope. */
  ackMs: z.array(z.number()),
  unacked: z.number(),
});
export type Stats = z.infer<typeof statsSchema>;
