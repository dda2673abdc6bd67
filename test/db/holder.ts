import { openStore } from '../../db/open.ts';

/** A process of its own that holds a store until it is killed. */
const [file] = process.argv.slice(2);
if (file !== undefined) {
  const { raw } = openStore(file);
  raw.exec('create table if not exists kept (n integer)');
  raw.exec('insert into kept values (1)');
  console.log('held');
  // The connection is all that is kept: it must keep the lock too.
  setInterval(() => raw.open, 60_000);
}
