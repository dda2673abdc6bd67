import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type * as core from 'drizzle-orm';
import type * as driver from 'drizzle-orm/better-sqlite3';
import type * as migrator from 'drizzle-orm/better-sqlite3/migrator';
import type * as sqlite from 'drizzle-orm/sqlite-core';

/**
 * Drizzle by its CommonJS build. Node reads the package's 180 kB package.json again for every one of its ES modules,
 * which takes 0.45 s of each start; the CommonJS files, whose names end in .cjs, need none of it and take 0.08 s.
 */
// The second half is for drizzle-kit, which reads the schema through a bundler that knows no `import.meta`.
const require = createRequire(import.meta.url ?? pathToFileURL(`${process.cwd()}/`));

const loaded: typeof core = require('drizzle-orm');
export const {
  and,
  asc,
  desc,
  eq,
  exists,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  ne,
  notInArray,
  or,
  sql,
} = loaded;

const loadedDriver: typeof driver = require('drizzle-orm/better-sqlite3');
export const { drizzle } = loadedDriver;

const loadedMigrator: typeof migrator = require('drizzle-orm/better-sqlite3/migrator');
export const { migrate } = loadedMigrator;

const loadedSqlite: typeof sqlite = require('drizzle-orm/sqlite-core');
export const { check, index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } = loadedSqlite;
