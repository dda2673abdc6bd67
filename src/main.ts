import { parseArgs } from 'node:util';
import { BatonError, toFailure } from './domain/failure.ts';

const USAGE = `baton start                 start Baton (npm start)
baton run FILE              run a workflow file without Slack   --input JSON  --cast FILE  --repo PATH  --reject  --unsandboxed  --json
baton validate FILE...      check workflow files
baton graph FILE [--svg]    draw a workflow file, as Mermaid or as a picture
baton schema                JSON Schema of workflow files, for editors
baton history [RUN]         who decided what, in order          --json  --csv
baton audit verify          whether the audit was tampered with
baton doctor                check this machine and the settings
baton cost [ID] [--csv]     what was spent in the last week, or by one run   --days N
baton hand-over RUN         push a run's branch and open its pull request, or write its patch
baton clean [--dry-run]     remove what runs left in repositories and is merged or pushed
baton desk                  start the local workspace alone`;

/** The command line. Every way out says what happened and what to do next. */
export async function main(argv: readonly string[]): Promise<void> {
  const [word = 'help', ...rest] = argv;
  try {
    process.exitCode = await dispatch(word, rest);
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
      console.error(`${error.message}\n\n${USAGE}`);
      process.exit(2);
    }
    const failure = toFailure(error);
    console.error(failure.message);
    if (failure.hint !== undefined) console.error(failure.hint);
    if (!(error instanceof BatonError) && error instanceof Error) console.error(error.stack);
    process.exit(1);
  }
}

/** Each command is loaded only when it is asked for: what is not needed costs no time at the start. */
async function dispatch(word: string, rest: string[]): Promise<number> {
  switch (word) {
    case 'start':
      return (await import('./cli/start.ts')).start();
    case 'run':
      return (await import('./cli/run.ts')).run(rest);
    case 'validate':
      return (await import('./cli/validate.ts')).validate(
        parseArgs({ args: rest, allowPositionals: true }).positionals,
      );
    case 'graph':
      return (await import('./cli/graph.ts')).graph(rest);
    case 'schema':
      return (await import('./cli/schema.ts')).schema();
    case 'history':
      return (await import('./cli/history.ts')).history(rest);
    case 'audit':
      return (await import('./cli/audit.ts')).audit(rest);
    case 'doctor':
      return (await import('./cli/doctor.ts')).doctor();
    case 'cost':
      return (await import('./cli/cost.ts')).cost(rest);
    case 'hand-over':
      return (await import('./cli/hand-over.ts')).handOverRun(rest);
    case 'clean':
      return (await import('./cli/clean.ts')).clean(rest);
    case 'desk':
      await import('../desk/main.ts');
      return 0;
    case 'help':
    case '--help':
    case '-h':
      console.log(USAGE);
      return 0;
    default:
      console.error(`There is no "baton ${word}".\n\n${USAGE}`);
      return 2;
  }
}
