import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/domain/json.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { person } from '../../src/patterns/person.ts';
import { type Played, personEffects, play } from './driver.ts';

const HOUR = 3_600_000;
const node: Node = { kind: 'person', id: 'photos', task: 'Take three photographs.', skill: 'photography' };
const ends = (task: string, at: number, payload: Json) => [{ name: `person:${task}`, at, payload }];
const done = (task: string, at: number) =>
  ends(task, at, { ended: 'done', by: 'U-bob', output: { files: ['a.jpg'] }, words: 'taken' });
const failed = ({ outcome }: Played) => (outcome.ok ? null : outcome.failure.code);

describe('a task for a person', () => {
  test('what comes of it is the result of the step, and its words are handed on', () => {
    const { effects, opened, told } = personEffects();
    const form = { ...node, output: { files: 'list', colour: ['red', 'blue'], fee: 'number?' } };
    const played = play(form, {}, { effects, signals: done('p1', HOUR) });
    expect(played.handoff).toMatchObject({
      result: { files: ['a.jpg'] },
      validation: { passed: true, findings: [] },
      context: [{ node: 'photos', agent: null, summary: '<@U-bob>: taken' }],
      warnings: [],
    });
    expect(opened).toMatchObject([
      {
        skill: 'photography',
        people: [],
        withinMs: null,
        onTimeout: 'pause',
        fields: [
          { name: 'files', type: 'list', optional: false },
          { name: 'colour', type: 'choice', options: ['red', 'blue'], optional: false },
          { name: 'fee', type: 'number', optional: true },
        ],
      },
    ]);
    // Without `within` there is no clock: it may take weeks.
    expect([told, played.elapsedMs]).toEqual([[], HOUR]);
  });

  test('time runs out: paused and asked anew, and then it counts', () => {
    const { effects, opened, told } = personEffects();
    const played = play({ ...node, within: '1h' }, {}, { effects, signals: done('p2', 90 * 60_000) });
    expect([played.outcome.ok, opened.length, told]).toEqual([true, 2, [`expire after ${HOUR}`, 'hold']]);
  });

  test('time runs out with skip: it goes on without, with a warning', () => {
    const { effects } = personEffects();
    const played = play({ ...node, within: '1h', on_timeout: 'skip' }, {}, { effects });
    expect(played.handoff?.warnings).toEqual(['photos: Nobody did "photos" within 1h']);
  });

  test('time runs out with stop: it ends, and no chain takes that for a mishap', () => {
    const { effects, opened } = personEffects();
    const stops = { ...node, within: '1h', on_timeout: 'stop', on_error: ['retry', 'skip'] };
    expect([failed(play(stops, {}, { effects })), opened.length]).toEqual(['person_timeout', 1]);
  });

  test('somebody was faster than the clock by a moment: what they did counts', () => {
    const { effects, finish, told } = personEffects();
    finish();
    const stops = { ...node, within: '1h', on_timeout: 'stop' };
    const played = play(stops, {}, { effects, signals: done('p1', HOUR + 1) });
    expect([played.outcome.ok, told]).toEqual([true, [`expire after ${HOUR}`]]);
  });

  test('nobody can: it fails with their reasons, and a chain may go on otherwise', () => {
    const reasons = [{ by: 'U-bob', reason: 'no camera' }];
    const signals = ends('p1', 0, { ended: 'declined', reasons });
    const played = play(node, {}, { effects: personEffects().effects, signals });
    expect(played.outcome).toMatchObject({
      failure: { code: 'person_declined', message: expect.stringContaining('no camera') },
    });
    const skipped = play({ ...node, on_error: 'skip' }, {}, { effects: personEffects().effects, signals });
    expect(skipped.outcome.ok).toBe(true);
  });

  test('left out by whoever asked for the work', () => {
    const signals = ends('p1', 0, { ended: 'skipped', by: 'U-ada', reason: 'not needed' });
    const played = play(node, {}, { effects: personEffects().effects, signals });
    expect(played.handoff?.warnings).toEqual(['photos: Left out by <@U-ada>: not needed']);
    expect(played.events).toContainEqual(
      expect.objectContaining({ type: 'node.finished', status: 'skipped' }),
    );
  });

  test.each([
    [{ output: {} }, 'Name at least one field'],
    [{ output: { size: 'big' } }, 'A field is text, number, yes-no or list'],
    [{ output: { size: ['only'] } }, 'A field is text, number, yes-no or list'],
    [{ output: { 'two words': 'text' } }, 'A field is a word'],
    [{ people: ['ada'] }, 'A person is a member id'],
    [{ groups: ['U0123'] }, 'A group is a user group id'],
    [{ on_timeout: 'skip' }, '`on_timeout` needs `within`'],
  ])('refuses %j', (wrong, words) => {
    const read = person.schema.safeParse({ ...node, ...wrong });
    expect(JSON.stringify(read.error?.issues)).toContain(words);
  });
});
