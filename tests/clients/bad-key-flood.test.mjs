// Bad keys are limited per address, so that guessing is slow; a good key from the same address is not held up.

import { test } from 'node:test';
import { openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { BAD_KEY, expectError } from './support/expect.mjs';
import { send, sendPatiently, waitAsTold } from './support/http.mjs';

const FLOOD_MAX = 2_000;
const AT_ONCE = 50;

const { sandbox } = await openApp('bad key flood');
const guess = () => send('GET', '/members', { key: 'sk_sb_wellformedunknown' });

test('a flood of bad keys is throttled, without harm to a good key in use', async () => {
  assert.equal((await send('GET', '/members', { key: sandbox.key })).status, 200);

  let throttled;
  for (let sent = 0; sent < FLOOD_MAX && !throttled; sent += AT_ONCE) {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, guess));
    assert.ok(answers.every(({ status }) => status === 401 || status === 429));
    throttled = answers.find(({ status }) => status === 429);
  }
  assert.ok(throttled, `one of ${FLOOD_MAX} bad keys is throttled`);
  expectError(throttled, 429);
  assert.match(throttled.headers['retry-after'], /^[1-9]\d*$/);
  assert.equal((await send('GET', '/members', { key: sandbox.key })).status, 200);

  await waitAsTold(throttled.headers);
  expectError(await sendPatiently('GET', '/members', { key: 'sk_sb_wellformedunknown' }), 401, BAD_KEY);
});
