import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer } from '../src/index.js';

test('answers with the page and its totals', () => {
  const { status, body } = answer('/');
  assert.equal(status, 200);
  assert.match(body, /<td>Travel, hotels and meals<\/td>/);
  assert.match(body, /6 reports/);
});

test('answers for one owner', () => {
  assert.doesNotMatch(answer('/?owner=bob').body, /Travel/);
});

test('answers 404 elsewhere', () => {
  assert.equal(answer('/nowhere').status, 404);
});
