import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCatalog } from '../../src/compose/catalog.ts';
import type { Core } from '../../src/compose/core.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { type Json, jsonSchema } from '../../src/domain/json.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { waitSignal } from '../../src/patterns/wait.ts';
import { loadWorkflow } from '../../src/workflows/load.ts';
import { coreAt, openPlace, type Place, shippedCasts, startRun } from '../support/core.ts';
import { others, scripts } from './scripts.ts';

/** Each of the 43 workflow control-flow patterns as a file, run on the real engine, store and repository. */
const FOLDER = import.meta.dirname;
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
let place: Place;
let core: Core;

beforeAll(async () => {
  place = await openPlace(...(await shippedCasts()));
  const { rules } = loadCatalog(place.home);
  const workflows = files.map((file): Workflow => {
    const loaded = loadWorkflow(readFileSync(path.join(FOLDER, file), 'utf8'), rules);
    if (!loaded.ok) throw new Error(`${file}: ${JSON.stringify(loaded.problems)}`);
    return loaded.workflow;
  });
  core = await coreAt(place, { extraWorkflows: workflows });
  core.engine.recover();
});
afterAll(async () => {
  await core.stop();
  await place.close();
});

/** One line of the script for what happened; null for what no script speaks of. */
function told(event: RunEvent): string | null {
  switch (event.type) {
    case 'node.started':
      return `+${event.node}`;
    case 'node.finished':
      return { done: '', skipped: '-', failed: '!' }[event.status] + event.node;
    case 'state.entered':
      return `@${event.state}`;
    case 'join.passed':
      return `join ${event.node}: ${event.from.join(', ') || 'none'} of ${event.of}`;
    case 'join.late':
      return `late ${event.branch}`;
    case 'item.added':
      return `added ${event.item}`;
    case 'loop.round':
      return `round ${event.round} ${event.passed ? 'yes' : 'no'}`;
    case 'note':
      return 'note';
    case 'run.status':
      return ['completed', 'failed', 'cancelled', 'paused'].includes(event.status)
        ? `= ${event.status}`
        : null;
    default:
      return null;
  }
}

function nameOf(file: string): string {
  return /^name: (.*)$/m.exec(readFileSync(path.join(FOLDER, `${file}.yaml`), 'utf8'))?.[1] ?? '';
}

let intents = 0;

/** Plays a script against a run, and gives back everything that was told, with what was sent where it was sent. */
async function play(
  file: string,
  script: readonly string[],
): Promise<{ lines: string[]; events: RunEvent[] }> {
  intents += 1;
  const runId = await startRun(core, nameOf(file), `${file} ${intents}`, 'Say hello on the page');
  const lines: string[] = [];
  const events: RunEvent[] = [];
  let seq = 0;
  const look = async (): Promise<void> => {
    for (const stored of await core.store.projections.events(runId, seq, 500)) {
      seq = stored.seq;
      events.push(stored.event);
      const line = told(stored.event);
      // A failure is told by every node above it too: the first says where it was.
      if (line !== null && !(line.startsWith('!') && lines.at(-1)?.startsWith('!') === true))
        lines.push(line);
    }
  };
  /** Until there are as many lines as the script has up to here, or the run has ended. */
  const until = async (count: number): Promise<void> => {
    for (;;) {
      const next = Promise.withResolvers<void>();
      const off = core.engine.onCommit(() => next.resolve());
      await look();
      if (lines.length >= count || lines.at(-1)?.startsWith('= ') === true) return off();
      await next.promise;
      off();
    }
  };
  for (const [at, line] of script.entries()) {
    const sent = line.startsWith('> ') || line === '! stop';
    if (!sent && at < script.length - 1) continue;
    await until(sent ? at : at + 1);
    expect(inOrder(lines), 'what has happened so far').toEqual(inOrder(script.slice(0, sent ? at : at + 1)));
    if (!sent) continue;
    lines.push(line);
    if (line === '! stop') await core.orchestrator.stop(runId, 'U');
    else await send(runId, line, `${file} ${at}`);
  }
  await look();
  return { lines, events };
}

async function send(runId: string, line: string, key: string): Promise<void> {
  const [, signal = '', payload] = /^> (\S+)(?: (.*))?$/.exec(line) ?? [];
  const value: Json = payload === undefined ? {} : jsonSchema.parse(JSON.parse(payload));
  await core.engine.signal(runId, waitSignal(signal), value, key);
}

/** What begins at the same moment, or is given up at the same moment, has no order of its own: by name. */
function inOrder(lines: readonly string[]): string[] {
  const runs: string[][] = [];
  for (const line of lines) {
    const last = runs.at(-1);
    const first = line[0] ?? '';
    if ('+-'.includes(first) && last?.[0]?.startsWith(first) === true) last.push(line);
    else runs.push([line]);
  }
  return runs.flatMap((run) => run.sort());
}

const scriptOf = (text: string): string[] => text.split(/;\s*/).filter((line) => line !== '');

describe('the 43 control-flow patterns', () => {
  test('each has its file and its script', () => {
    const numbers = files.map((file) => Number(file.slice(0, 2)));
    expect(numbers).toEqual(Array.from({ length: 43 }, (_, at) => at + 1));
    expect(Object.keys(scripts).map((name) => `${name}.yaml`)).toEqual(files);
    const page = readFileSync(path.join(FOLDER, '../../docs/control-flow-patterns.md'), 'utf8');
    const rows = [...page.matchAll(/^\| (\d+) \|.*\| yes \|.*control-flow\/([^)]+)\) \|$/gm)];
    expect(rows.map(([, number, file]) => [Number(number), file])).toEqual(
      files.map((file, at) => [at + 1, file]),
    );
  });

  test.each(Object.entries(scripts))('%s', async (file, script) => {
    const { lines } = await play(file, scriptOf(script));
    expect(inOrder(lines)).toEqual(inOrder(scriptOf(script)));
  });

  test.each(others)('$file, when $of', async ({ file, script }) => {
    const { lines } = await play(file, scriptOf(script));
    expect(inOrder(lines)).toEqual(inOrder(scriptOf(script)));
  });

  test('16: the events that were not chosen are withdrawn: nobody takes the later one', async () => {
    const { events } = await play('16-deferred-choice', scriptOf(scripts['16-deferred-choice'] ?? ''));
    const taken = events.flatMap((event) => (event.type === 'signal.consumed' ? [event.name] : []));
    expect(taken).toEqual([waitSignal('colleague'), waitSignal('note')]);
  });
});
