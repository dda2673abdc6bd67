import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeHtml, formatMoney, formatMonth } from '../src/format.js';

test('formats money', () => {
  assert.equal(formatMoney(1284550), '12,845.50');
  assert.equal(formatMoney(-45000), '-450.00');
  assert.equal(formatMoney(5), '0.05');
});

test('formats months', () => {
  assert.equal(formatMonth('2026-02'), 'February 2026');
});

test('escapes HTML', () => {
  assert.equal(escapeHtml('a < b & "c"'), 'a &lt; b &amp; &quot;c&quot;');
});
