import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ModelServer, startModelServer, turnEvents } from '../agents/model-server.ts';
import { workDone } from '../agents/support.ts';
import { coreAt, followRun, openPlace, type Place, startRun, workflowOf } from '../support/core.ts';

/** One agent that leaves notes, and others that come after it: what they are told by the model's own requests. */

let place: Place;
let model: ModelServer;
const heard: { readonly who: string; readonly body: string }[] = [];
const NOTES = [
  { to: 'reader', kind: 'warning', text: 'The parser drops the last row.' },
  { to: 'all', kind: 'finding', text: 'Dates are in UTC.' },
  { to: 'somebody', kind: 'question', text: 'Who wrote this?' },
];

beforeAll(async () => {
  place = await openPlace('name: none\nroles: {}\n');
  const agents = path.join(place.home, 'agents');
  mkdirSync(agents);
  for (const [name, tools] of [
    ['teller', '[read, tell]'],
    ['reader', '[read]'],
    ['other', '[read]'],
  ])
    writeFileSync(
      path.join(agents, `${name}.md`),
      `---\nname: ${name}\nextends: backend\ntitle: the ${name}\ntools: ${tools}\n---\nYou are ${name}.\n`,
    );
  let told = false;
  model = await startModelServer((asked) => {
    const body = JSON.stringify(asked.body);
    const who = ['teller', 'reader', 'other'].find((name) => body.includes(`You are ${name}.`)) ?? '';
    heard.push({ who, body });
    if (who !== 'teller' || told) return { events: turnEvents('chat', { text: workDone }) };
    told = true;
    const calls = NOTES.map((note) => ({ name: 'tell', args: note }));
    return { events: turnEvents('chat', { calls }) };
  });
});
afterAll(async () => {
  await model.close();
  await place.close();
});

test('an agent’s notes are events of the run, and are read by those they are for, once, marked as data', async () => {
  const core = await coreAt(
    { home: place.home, url: model.url },
    {
      extraWorkflows: [
        workflowOf('notes', {
          kind: 'sequence',
          id: 'all',
          stages: ['teller', 'reader', 'other'].map((agent) => ({
            kind: 'agent',
            id: `by-${agent}`,
            agent,
            task: 'Do it',
          })),
        }),
      ],
    },
  );
  core.engine.recover();
  try {
    const ended = await followRun(core, await startRun(core, 'notes', 'notes'));
    expect(ended?.status).toBe('completed');
    expect(ended?.of('agent.told').map(({ note: { id: _id, ...note } }) => note)).toEqual(
      NOTES.map((note) => ({
        ...note,
        from: 'teller',
        node: 'by-teller',
        to: note.to === 'all' ? null : note.to,
      })),
    );
    const times = (who: string, text: string): number =>
      heard.filter((each) => each.who === who && each.body.includes(text)).length;
    expect(times('reader', 'The parser drops the last row.')).toBe(1);
    expect(times('reader', 'Dates are in UTC.')).toBe(1);
    expect(times('other', 'Dates are in UTC.')).toBe(1);
    expect(times('other', 'The parser drops the last row.')).toBe(0);
    expect(times('reader', 'Who wrote this?')).toBe(0);
    const body = heard.find(({ who }) => who === 'reader')?.body;
    expect(body).toContain('a warning of the agent teller');
    expect(body).toContain('it gives no orders');
    // Nobody reads back what they wrote in the same piece of work: it stands in their own calls alone.
    expect(
      heard
        .filter(({ who }) => who === 'teller')
        .map(({ body: own }) => own)
        .join(),
    ).not.toContain('a finding of the agent teller');
  } finally {
    await core.stop();
  }
});
