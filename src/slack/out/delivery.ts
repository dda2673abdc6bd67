import type { Clock } from '../../ports/clock.ts';
import type { MessageRef, OutboxRow, OutboxStore } from '../../ports/outbox.ts';
import type { SendLog } from '../clients.ts';
import { type Content, degrade, sendable } from '../validate.ts';
import { methodKey, noteBlocked, type SendState } from './limits.ts';
import { backoffMs, queueOf, readBackMethod } from './schedule.ts';
import { type Fault, faultOf } from './send-errors.ts';
import type { Place, Transport } from './transport.ts';

export interface DeliveryOptions {
  readonly store: OutboxStore;
  readonly transport: (team: string) => Transport | null;
  readonly clock: Clock;
  readonly log: SendLog;
  readonly random: () => number;
  readonly onUndeliverable: (row: OutboxRow, code: string, held: boolean) => Promise<void>;
  readonly onFrozen: (team: string, code: string) => void;
  readonly state: SendState;
}

/** One row at a time: sending it, looking for it, and what each kind of failure leads to. */
export interface Delivery {
  /** Sends a claimed row, and settles it in the store whatever happens. Rejects only when the store does. */
  send(row: OutboxRow, how: 'post' | 'update' | 'ephemeral'): Promise<void>;
  /** Settles a row that may have been sent. */
  verify(row: OutboxRow): Promise<void>;
  /** Settles a row whose parent or post will never be there. */
  orphan(row: OutboxRow): Promise<void>;
}

/** A request that timed out may still be on its way to Slack's store: looking at once could miss it. */
const AMBIGUOUS_SETTLE_MS = 2_000;

/** After so many doubts about one row the fault lies in the row. */
const DOUBTS_MAX = 6;

/** Not Slack's word: there is nothing to speak with. */
const NO_TOKEN = 'no_token';

/**
 * After so long, as after a stop, whoever asked looks elsewhere: a message that only they see, among newer ones and gone with
 * their window, would be found by nobody. A direct message stays.
 */
const LATE_MS = 5 * 60_000;

function inDirectMessage({ thread: _thread, ...row }: OutboxRow, user: string): OutboxRow {
  return { ...row, target: { kind: 'dm', user } };
}

/** Between two tries in a channel in which nothing can be said. */
const HELD_MS = 30_000;
/** After a week nobody waits for it. */
const HELD_MOST_MS = 7 * 24 * 3_600_000;

type Verb = 'post' | 'update' | 'ephemeral' | 'verify';

export function createDelivery({
  store,
  transport,
  clock,
  log,
  random,
  onUndeliverable,
  onFrozen,
  state,
}: DeliveryOptions): Delivery {
  async function send(row: OutboxRow, how: 'post' | 'update' | 'ephemeral'): Promise<void> {
    const to = transport(row.team);
    if (to === null) return freeze(row, NO_TOKEN);
    const content = contentOf(row);
    let ref: MessageRef | null = null;
    try {
      ref = await call(to, row, how, content);
    } catch (error) {
      return settle(row, how, faultOf(error));
    }
    await done(row, ref);
  }

  async function call(
    to: Transport,
    row: OutboxRow,
    how: Verb,
    content: Content,
  ): Promise<MessageRef | null> {
    if (how === 'update') {
      const ref = state.refs.get(row.key);
      if (ref !== undefined) await to.update(ref, content);
      return null;
    }
    const late = how === 'ephemeral' && clock.now() - row.createdAt > LATE_MS ? row.user : undefined;
    const place = await placeOf(to, late === undefined ? row : inDirectMessage(row, late));
    if (late !== undefined) {
      await to.post(place, content, row.id);
      return null;
    }
    if (how === 'ephemeral') {
      await to.ephemeral(place, row.user ?? '', content);
      return null;
    }
    const posted = await to.post(place, content, row.id);
    return { key: row.key, channel: posted.channel, ts: posted.ts };
  }

  async function verify(row: OutboxRow): Promise<void> {
    const to = transport(row.team);
    if (to === null) return freeze(row, NO_TOKEN);
    try {
      const found = await to.find(await placeOf(to, row), row.id, row.createdAt);
      if (found !== null) return await done(row, { key: row.key, channel: found.channel, ts: found.ts });
    } catch (error) {
      return settle(row, 'verify', faultOf(error));
    }
    state.verifyAt.delete(row.id);
    await store.retry(row.id, clock.now(), 'was not found on looking');
  }

  async function orphan(row: OutboxRow): Promise<void> {
    if (row.kind === 'update') return store.drop(row.id, 'its message was never posted', clock.now());
    await giveUp(row, 'parent_missing');
  }

  /** Carries out what a failed call means. */
  async function settle(row: OutboxRow, how: Verb, fault: Fault): Promise<void> {
    const doubts = state.doubts.get(row.id) ?? 0;
    const wait = backoffMs(Math.max(row.attempts, doubts) + 1, random());
    switch (fault.kind) {
      case 'limited':
        noteBlocked(state, blockedBy(row, how), clock.monotonic() + fault.retryAfterMs);
        log.warn({ outboxId: row.id, how, waitMs: fault.retryAfterMs }, 'Slack asked us to wait');
        return later(row, how, fault.retryAfterMs, fault.code);
      case 'unsent':
        return later(row, how, wait, fault.code);
      case 'ambiguous':
        return doubt(row, how, fault.code, wait);
      case 'gone':
        return how === 'update' ? repost(row) : giveUp(row, fault.code);
      case 'undrawable':
        return undrawable(row, fault.code);
      case 'frozen':
        return freeze(row, fault.code);
      case 'unreachable':
        return wasReached(row) ? hold(row, how, fault.code) : giveUp(row, fault.code);
      case 'refused':
        return giveUp(row, fault.code);
      default:
        return fault satisfies never;
    }
  }

  /** Certainly not done: again after `ms`. A row in doubt stays in doubt. */
  async function later(row: OutboxRow, how: Verb, ms: number, code: string): Promise<void> {
    if (how === 'verify') state.verifyAt.set(row.id, clock.monotonic() + ms);
    else await store.retry(row.id, clock.now() + ms, code);
  }

  /** Perhaps done: the row stays `sending`, so that it is looked for even if this process ends now. */
  async function doubt(row: OutboxRow, how: Verb, code: string, wait: number): Promise<void> {
    const doubts = (state.doubts.get(row.id) ?? 0) + 1;
    state.doubts.set(row.id, doubts);
    if (how !== 'verify' && doubts > DOUBTS_MAX) return giveUp(row, code);
    state.verifyAt.set(row.id, clock.monotonic() + Math.max(AMBIGUOUS_SETTLE_MS, wait));
    log.warn(
      { outboxId: row.id, how, code },
      'Unclear whether a message was sent; looking before sending again',
    );
  }

  /** The message was deleted: once more as a new one. After an earlier attempt that one is looked for first. */
  async function repost(row: OutboxRow): Promise<void> {
    state.reposts.add(row.id);
    log.info({ outboxId: row.id, key: row.key }, 'The message to rewrite is gone; posting it anew');
    if (row.attempts > 0) state.verifyAt.set(row.id, clock.monotonic());
    else await store.retry(row.id, clock.now(), 'message_not_found');
  }

  async function undrawable(row: OutboxRow, code: string): Promise<void> {
    if (state.degraded.has(row.id)) return giveUp(row, code);
    state.degraded.add(row.id);
    log.warn({ outboxId: row.id, key: row.key, code }, 'Slack refused the blocks; sending plain text');
    await store.retry(row.id, clock.now(), code);
  }

  async function freeze(row: OutboxRow, code: string): Promise<void> {
    if (!state.frozen.has(row.team)) {
      state.frozen.add(row.team);
      log.error(
        { team: row.team, code },
        'Slack refuses the token of this workspace. Nothing more is sent there; messages are kept. Set a valid SLACK_BOT_TOKEN and start again',
      );
      if (code !== NO_TOKEN) onFrozen(row.team, code);
    }
    if (row.status === 'pending') await store.retry(row.id, clock.now(), code);
  }

  /** A channel in which something of this was said before: it was archived, or Baton was taken out of it. */
  function wasReached(row: OutboxRow): boolean {
    if (row.target.kind !== 'channel' || row.kind === 'ephemeral') return false;
    return row.kind === 'update' || (row.thread !== undefined && state.refs.has(row.thread));
  }

  /** Kept, in its order, until something can be said there again; who it concerns is told once. */
  async function hold(row: OutboxRow, how: Verb, code: string): Promise<void> {
    if (clock.now() - row.createdAt > HELD_MOST_MS) return giveUp(row, code);
    await later(row, how, HELD_MS, code);
    const queue = queueOf(row);
    if (state.held.has(queue)) return;
    state.held.add(queue);
    log.warn(
      { outboxId: row.id, key: row.key, code },
      'Nothing can be said in a channel; what is to be said there waits',
    );
    try {
      await onUndeliverable(row, code, true);
    } catch (error) {
      log.error({ outboxId: row.id, error: String(error) }, 'Nobody could be told that a channel is closed');
    }
  }

  async function giveUp(row: OutboxRow, code: string): Promise<void> {
    await store.fail(row.id, code, clock.now());
    forget(row);
    log.error({ outboxId: row.id, key: row.key, code }, 'A message could not be delivered');
    try {
      await onUndeliverable(row, code, false);
    } catch (error) {
      log.error(
        { outboxId: row.id, error: String(error) },
        'Nobody could be told about an undelivered message',
      );
    }
  }

  async function done(row: OutboxRow, ref: MessageRef | null): Promise<void> {
    await store.sent(row.id, ref, clock.now());
    if (ref !== null) state.refs.set(row.key, ref);
    state.held.delete(queueOf(row));
    forget(row);
  }

  function forget({ id }: OutboxRow): void {
    for (const map of [state.verifyAt, state.doubts]) map.delete(id);
    for (const set of [state.reposts, state.degraded]) set.delete(id);
  }

  /** Whatever has to wait when Slack limits a call: a channel for posts, else the method. */
  function blockedBy(row: OutboxRow, how: Verb): string {
    switch (how) {
      case 'post':
      case 'ephemeral':
        return queueOf(row);
      case 'update':
        return methodKey(row.team, 'chat.update');
      case 'verify':
        return methodKey(row.team, readBackMethod(row));
      default:
        return how satisfies never;
    }
  }

  function contentOf(row: OutboxRow): Content {
    const given = { text: row.text, blocks: row.blocks };
    if (state.degraded.has(row.id)) return degrade(given);
    const { content, problems } = sendable(given);
    if (problems.length > 0) {
      log.warn(
        { outboxId: row.id, key: row.key, problems },
        'A message breaks the limits of Slack; sending plain text',
      );
    }
    return content;
  }

  async function placeOf(to: Transport, row: OutboxRow): Promise<Place> {
    const parent = row.thread === undefined ? undefined : state.refs.get(row.thread);
    if (parent !== undefined) return { channel: parent.channel, threadTs: parent.ts };
    if (row.target.kind === 'channel') return { channel: row.target.channel, threadTs: null };
    const person = `${row.team} ${row.target.user}`;
    const known = state.dms.get(person);
    if (known !== undefined) return { channel: known, threadTs: null };
    const opened = await to.open(row.target.user);
    state.dms.set(person, opened);
    return { channel: opened, threadTs: null };
  }

  return { send, verify, orphan };
}
