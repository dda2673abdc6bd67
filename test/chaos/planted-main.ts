import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { WebClient } from '@slack/web-api';
import Database from 'better-sqlite3';
import { main } from '../../src/main.ts';
import { InboxWorker } from '../../src/orchestrator/inbox-worker.ts';

/* oxlint-disable typescript/unbound-method -- the methods are called with their own `this` below */

/**
 * Baton with a bug, to see that the chaos test finds it: `node test/chaos/planted-main.ts NAME HOME`. The bugs are
 * planted here, from outside; Baton itself holds no switch for them.
 */
const plants: Readonly<Record<string, (home: string) => void>> = {
  /** The journal is as good as in memory: what a process recorded of a run is gone with the process. */
  'no-journal': (home) => {
    const file = path.join(home, 'baton.db');
    if (!existsSync(file)) return;
    const raw = new Database(file);
    raw.exec(
      "delete from steps; delete from timers; update signals set consumed_by = null; update runs set status = 'queued' where ended_at is null",
    );
    raw.close();
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

const [, , name = '', home = ''] = process.argv;
const plant = plants[name];
if (plant === undefined) throw new Error(`There is no planted bug "${name}"`);
plant(home);
await main(['start']);
