// Twenty-five requests a second for each key, unless the key says otherwise.

import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createKey, openApp, sdk } from './support/app.mjs';
import assert from './support/assert.mjs';
import { expectError, expectPage, expectRejection } from './support/expect.mjs';
import { send, waitAsTold } from './support/http.mjs';
import { newPerson } from './support/people.mjs';
import { mostProvenInOneSecond, timed } from './support/window.mjs';

const DEFAULT_LIMIT = 25;
const SECOND_MS = 1000;

const app = await openApp('rate limit');
const newKey = async (rateLimit) => (await createKey(app.id, { rateLimit })).key;
const list = (key) => send('GET', '/members', { key });

/** Sends `count` requests at once, all of which must fit in one second for the counting to hold. */
async function burst(key, count) {
  const { response: responses, sentAt, receivedAt } = await timed(() =>
    Promise.all(Array.from({ length: count }, () => list(key))),
  );
  assert.ok(receivedAt - sentAt < SECOND_MS, `${count} requests took ${receivedAt - sentAt} ms`);
  return {
    admitted: responses.filter(({ status }) => status === 200),
    refused: responses.filter(({ status }) => status !== 200),
  };
}

test('the twenty-sixth request within a second is refused, and told when to come again', async () => {
  const key = await newKey();
  const { admitted, refused } = await burst(key, DEFAULT_LIMIT + 1);
  assert.equal(admitted.length, DEFAULT_LIMIT);
  assert.equal(refused.length, 1);
  const [refusal] = refused;
  expectError(refusal, 429, { code: 'generic-message' });
  assert.equal(refusal.headers['retry-after'], '1');
  assert.equal(refusal.headers['ratelimit-limit'], String(DEFAULT_LIMIT));
  assert.equal(refusal.headers['ratelimit-remaining'], '0');
  assert.match(refusal.headers['ratelimit-reset'], /^\d+$/);

  await waitAsTold(refusal.headers);
  assert.equal((await list(key)).status, 200);
});

test('an admitted request tells what is left', async () => {
  const key = await newKey();
  const remaining = [];
  for (const { headers } of [await list(key), await list(key), await list(key)]) {
    assert.equal(headers['ratelimit-limit'], String(DEFAULT_LIMIT));
    assert.match(headers['ratelimit-reset'], /^\d+$/);
    remaining.push(Number(headers['ratelimit-remaining']));
  }
  assert.deepEqual(remaining, [24, 23, 22]);
});

test('the SDK rejects with the code and the message', async () => {
  const key = await newKey(1);
  const { members } = sdk(key);
  expectPage(await members.list(), { rows: 0, hasNextPage: false });
  await expectRejection(members.list(), { code: 'generic-message' });
});

test('a key has the limit it was made with', async () => {
  const key = await newKey(5);
  const { admitted, refused } = await burst(key, 8);
  assert.equal(admitted.length, 5);
  for (const refusal of refused) {
    expectError(refusal, 429);
    assert.equal(refusal.headers['ratelimit-limit'], '5');
  }
});

test('a key made without a limit is never refused', async () => {
  const responses = await Promise.all(Array.from({ length: 200 }, () => list(app.sandbox.key)));
  assert.ok(responses.every(({ status }) => status === 200));
});

test('a key at its limit takes nothing from another', async () => {
  const [spent, other] = [await newKey(), await newKey()];
  const { refused } = await burst(spent, DEFAULT_LIMIT + 5);
  assert.equal(refused.length, 5);
  const response = await list(other);
  assert.equal(response.status, 200);
  assert.equal(response.headers['ratelimit-remaining'], String(DEFAULT_LIMIT - 1));
});

test('a refused write is not done', async () => {
  const key = await newKey(1);
  const { members } = app.sandbox;
  await list(key);
  const person = newPerson();
  expectError(await send('POST', '/members', { key, body: person }), 429);
  assert.deepEqual(await members.retrieve({ email: person.email }), { data: null });
});

test('no second of a long crowd admits more than the limit', async () => {
  const key = await newKey();
  const end = performance.now() + 2.5 * SECOND_MS;
  const sent = [];
  const worker = async () => {
    while (performance.now() < end) sent.push(await timed(() => list(key)));
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  assert.ok(sent.every(({ response }) => [200, 429].includes(response.status)));
  const admitted = sent.filter(({ response }) => response.status === 200);
  const most = mostProvenInOneSecond(admitted);
  assert.ok(most <= DEFAULT_LIMIT, `${most} in one second`);
  assert.ok(admitted.length >= 2 * DEFAULT_LIMIT, `${admitted.length} in two and a half seconds`);
});

test('a client that paces itself at the limit is never refused', async () => {
  const key = await newKey();
  const sent = [];
  for (let n = 0; n < 3 * DEFAULT_LIMIT; n += 1) {
    const oneWindowAgo = sent[n - DEFAULT_LIMIT]?.receivedAt ?? -Infinity;
    const due = Math.max((sent[n - 1]?.sentAt ?? -Infinity) + SECOND_MS / DEFAULT_LIMIT, oneWindowAgo + SECOND_MS + 2);
    await wait(Math.max(0, Math.ceil(due - performance.now())));
    sent.push(await timed(() => list(key)));
  }
  assert.deepEqual([...new Set(sent.map(({ response }) => response.status))], [200]);
});
