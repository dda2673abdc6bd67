import type { ChangedFile } from '../../ports/workspace.ts';
import { type Finding, isTest } from './change.ts';

/** Files whose place alone says that they are the database's shape. */
const SCHEMA_PATHS =
  /(^|\/)(migrations?|migrate|alembic\/versions|liquibase|flyway|changelogs?)\/|(^|\/)db\/(schema\.rb|structure\.sql|migrate\/)|(^|\/)schema\.prisma$|\.prisma$|(^|\/)V\d[^/]*__[^/]*\.sql$|(^|\/)schema\.sql$/i;

/** Calls that shape tables in the common libraries, with the text around them compared from state to state. */
const SHAPING =
  /(?<!\w)(?:sqliteTable|pgTable|mysqlTable|pgEnum|mysqlEnum|create_table|drop_table|alter_table|add_column|remove_column|drop_column|rename_column|rename_table|add_index|remove_index|add_foreign_key|change_column|createTable|dropTable|alterTable|addColumn|dropColumn|renameColumn|renameTable|createIndex|dropIndex|hasTable|mapped_column|db\.Column|sa\.Column|models\.[A-Z]\w*Field|models\.ForeignKey|@Entity|@Column|@PrimaryColumn|@PrimaryGeneratedColumn|@ManyToOne|@OneToMany|@JoinColumn|AutoMigrate)\b/;

/** Statements that make, change or drop what a database consists of. */
const DDL =
  /\b(?:create|alter|drop|rename|truncate)\s+(?:or\s+replace\s+)?(?:(?:global|local)\s+)?(?:temp(?:orary)?\s+|unlogged\s+|external\s+|virtual\s+|materialized\s+|unique\s+|clustered\s+|concurrently\s+)*(?:table|index|view|schema|database|column|type|domain|sequence|trigger|function|procedure|constraint|extension|policy|role|enum)\b[^;]*/gi;

/** The database's shape changes: migrations, DDL anywhere but in tests, definitions of the common libraries. */
export function schemaChanges(files: readonly ChangedFile[]): Finding[] {
  return files.flatMap((file): Finding[] => {
    const { path, before, after } = file;
    if (isTest(path)) return [];
    if (SCHEMA_PATHS.test(path)) return [{ path, why: 'a migration or schema file changes' }];
    if (file.unread)
      return /\.(sql|rb|py|[jt]sx?|go|java|php|cs)$/i.test(path)
        ? [{ path, why: 'it is too large to look for DDL in' }]
        : [];
    const was = shapeOf(before ?? '');
    const is = shapeOf(after ?? '');
    if (was.join('\n') === is.join('\n')) return [];
    const known = new Set(was);
    const now = new Set(is);
    const found =
      is.find((each) => !known.has(each)) ?? was.find((each) => !now.has(each)) ?? 'statements moved';
    return [{ path, why: `database statements change: ${found.slice(0, 80)}` }];
  });
}

/** The statements and definitions of a text in their order, without comments and with white space made equal. */
function shapeOf(text: string): string[] {
  const plain = withoutComments(text);
  const statements = [...plain.matchAll(DDL)].map(([statement]) => squeeze(statement).slice(0, 2_000));
  // A table's definition reaches over lines: from where it begins, all that is indented or in brackets counts.
  if (!SHAPING.test(plain)) return statements;
  const shaping = new RegExp(SHAPING.source, 'g');
  const definitions = [...plain.matchAll(shaping)].map(({ index }) => squeeze(bracketed(plain, index)));
  return [...statements, ...definitions];
}

/** From a word on to the end of its line, or of the brackets that open after it. */
function bracketed(text: string, from: number): string {
  let depth = 0;
  for (let i = from; i < text.length && i < from + 20_000; i += 1) {
    const c = text[i] ?? '';
    if ('([{'.includes(c)) depth += 1;
    else if (')]}'.includes(c)) depth -= 1;
    if ((depth <= 0 && c === '\n') || depth < 0) return text.slice(from, i);
  }
  return text.slice(from, from + 20_000);
}

/** Comments between words of a statement would hide it; what is left in their place is a space. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|--[^\n]*/g, ' ');
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').trim().toLowerCase();
}
