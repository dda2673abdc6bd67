import { z } from 'zod';
import { type Json, jsonOr } from '../json.ts';
import type { Db } from './database.ts';

/** An open modal or a person's App Home. `view` is what the app sent, ids filled in. */
export type StoredView = Readonly<{
  id: string;
  user: string;
  type: 'modal' | 'home';
  /** 0 for the first modal of a stack. */
  position: number;
  rootId: string;
  previousId: string | null;
  externalId: string | null;
  view: Json;
  hash: string;
}>;

const viewRow = z
  .object({
    id: z.string(),
    user: z.string(),
    type: z.enum(['modal', 'home']),
    position: z.number(),
    root_id: z.string(),
    previous_id: z.string().nullable(),
    external_id: z.string().nullable(),
    view: z.string(),
    hash: z.string(),
  })
  .transform(
    (row): StoredView => ({
      id: row.id,
      user: row.user,
      type: row.type,
      position: row.position,
      rootId: row.root_id,
      previousId: row.previous_id,
      externalId: row.external_id,
      view: jsonOr(row.view),
      hash: row.hash,
    }),
  );

export type Views = ReturnType<typeof openViews>;

export function openViews(db: Db) {
  const sql = {
    save: db.prepare('INSERT OR REPLACE INTO views VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    get: db.prepare('SELECT * FROM views WHERE id = ?'),
    external: db.prepare('SELECT * FROM views WHERE external_id = ?'),
    stack: db.prepare(`SELECT * FROM views WHERE user = ? AND type = 'modal' ORDER BY position`),
    home: db.prepare(`SELECT * FROM views WHERE user = ? AND type = 'home'`),
    remove: db.prepare('DELETE FROM views WHERE id = ?'),
  };
  const one = (row: unknown): StoredView | undefined => (row === undefined ? undefined : viewRow.parse(row));
  return {
    save(v: StoredView): void {
      const { id, user, type, position, rootId, previousId, externalId, hash } = v;
      sql.save.run(id, user, type, position, rootId, previousId, externalId, JSON.stringify(v.view), hash);
    },
    get: (id: string) => one(sql.get.get(id)),
    byExternalId: (id: string) => one(sql.external.get(id)),
    /** The open modals of a person, the top one last. */
    stack: (user: string): StoredView[] => sql.stack.all(user).map((row) => viewRow.parse(row)),
    home: (user: string) => one(sql.home.get(user)),
    remove: (id: string): void => void sql.remove.run(id),
  };
}
