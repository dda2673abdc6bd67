import { describe, expect, it } from 'vitest';
import { createHub } from '../../desk/server/hub.ts';
import { formatTs, parseTs, tsSource } from '../../desk/server/ids.ts';
import { createLimits } from '../../desk/server/limits.ts';
import { createTriggers } from '../../desk/server/triggers.ts';
import { manualClock } from './harness.ts';

describe('limits', () => {
  it('lets one post per second and channel pass, with a little jitter and no burst', () => {
    const clock = manualClock();
    const limits = createLimits(clock);
    expect(limits.post('C1')).toBe(0);
    expect(limits.post('C2')).toBe(0);
    clock.advance(900);
    expect(limits.post('C1')).toBe(1);
    clock.advance(50);
    expect(limits.post('C1')).toBe(0);
    clock.advance(950);
    expect(limits.post('C1')).toBe(1);
    clock.advance(50);
    expect(limits.post('C1')).toBe(0);
    clock.advance(5_000);
    expect(limits.post('C1')).toBe(0);
    expect(limits.post('C1')).toBe(1);
  });

  it.each([
    ['tier1', 1],
    ['tier2', 20],
    ['tier3', 50],
    ['tier4', 100],
  ] as const)('counts %s in a sliding minute', (tier, allowed) => {
    const clock = manualClock();
    const limits = createLimits(clock);
    for (let call = 0; call < allowed; call += 1) {
      expect(limits.call('m', tier)).toBe(0);
      clock.advance(100);
    }
    const wait = limits.call('m', tier);
    expect(wait).toBe(Math.ceil((60_000 - allowed * 100) / 1000));
    expect(limits.call('other', tier)).toBe(0);
    clock.advance(wait * 1_000);
    expect(limits.call('m', tier)).toBe(0);
  });
});

describe('triggers', () => {
  it('are good for three seconds, once', () => {
    const clock = manualClock();
    const triggers = createTriggers(clock, 'T1');
    const first = triggers.issue('U1', null);
    clock.advance(3_000);
    expect(triggers.exchange(first)).toEqual({ status: 'good', user: 'U1', viewId: null });
    expect(triggers.exchange(first)).toMatchObject({ error: 'exchanged_trigger_id' });
    const second = triggers.issue('U1', null);
    clock.advance(3_001);
    expect(triggers.exchange(second)).toMatchObject({ error: 'expired_trigger_id' });
    expect(triggers.exchange('1.2.3')).toMatchObject({ error: 'invalid_trigger_id' });
  });
});

describe('ts', () => {
  it('rises strictly and goes on after the last one stored', () => {
    const next = tsSource(() => 1_000, null);
    expect([next(), next()]).toEqual(['1.000000', '1.000001']);
    expect(tsSource(() => 1_000, '5.000009')()).toBe('5.000010');
    expect(formatTs(parseTs('1767603600.000123'))).toBe('1767603600.000123');
  });
});

describe('the event hub', () => {
  it('replays what a person may see, and says when it cannot', () => {
    const hub = createHub(1_000);
    const seen: string[] = [];
    hub.follow('U1', (_id, event) => seen.push(event.type === 'notice' ? event.text : ''));
    const start = hub.position();
    hub.emit({ type: 'notice', text: 'all' }, 'all');
    hub.emit({ type: 'notice', text: 'two' }, (user) => user === 'U2');
    expect(seen).toEqual(['all']);
    expect(hub.since('U2', start)?.length).toBe(2);
    expect(hub.since('U1', start)?.length).toBe(1);
    expect(hub.since('U1', 12)).toBeNull();
    expect(hub.since('U1', hub.position())).toEqual([]);
  });
});
