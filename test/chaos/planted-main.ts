import { randomUUID } from 'node:crypto';
import { WebClient } from '@slack/web-api';
import { SqliteJournal } from '../../db/journal.ts';
import { main } from '../../src/main.ts';
import { InboxWorker } from '../../src/orchestrator/inbox-worker.ts';

/* oxlint-disable typescript/unbound-method -- the methods are called with their own `this` below */

/**
 * Baton with a bug, to see that the chaos test finds it: `node test/chaos/planted-main.ts NAME`. The bugs are
 * planted here, from outside; Baton itself holds no switch for them.
 */
const plants: Readonly<Record<string, () => void>> = {
  /** The journal keeps no outcome: what a run has done is known to its process alone. */
  'no-journal': () => {
    const { commit } = SqliteJournal.prototype;
    SqliteJournal.prototype.commit = function forgetful(writes) {
      commit.call(
        this,
        writes.flatMap((write) => {
          if (write.w === 'settle')
            return [{ w: 'event' as const, runId: write.runId, event: write.event, at: write.at }];
          return write.w === 'attempt' || write.w === 'consume' ? [] : [write];
        }),
      );
    };
  },
  /** Looking for a message that may have been sent finds nothing, so it is sent again. */
  'no-readback': () => {
    const { apiCall } = WebClient.prototype;
    WebClient.prototype.apiCall = function blind(method, options) {
      const looking = method === 'conversations.history' || method === 'conversations.replies';
      return looking ? Promise.resolve({ ok: true, messages: [] }) : apiCall.call(this, method, options);
    };
  },
  /** Every delivery counts as a new one. */
  'no-dedupe': () => {
    const { accept } = InboxWorker.prototype;
    InboxWorker.prototype.accept = function gullible(intent, kind, payload) {
      return accept.call(this, `${intent}:${randomUUID()}`, kind, payload);
    };
  },
};

const name = process.argv[2] ?? '';
const plant = plants[name];
if (plant === undefined) throw new Error(`There is no planted bug "${name}"`);
plant();
await main(['start']);
