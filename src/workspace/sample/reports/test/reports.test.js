import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findReport, listReports, totals } from '../src/reports.js';

test('lists every report', () => {
  assert.equal(listReports().length, 6);
});

test('filters by owner and by month', () => {
  assert.deepEqual(
    listReports({ owner: 'alice', month: '2026-02' }).map((row) => row.id),
    ['travel-02'],
  );
});

test('finds a report by its id', () => {
  assert.equal(findReport('cloud-01')?.owner, 'bob');
  assert.equal(findReport('nothing'), undefined);
});

test('adds up totals, refunds included', () => {
  assert.deepEqual(totals(listReports({ month: '2026-02' })), { count: 3, items: 24, amountCents: 1124025 });
});
