// The key alone opens the door, and every way of not having it looks the same.

import { test } from 'node:test';
import { createKey, listKeys, openApp, revokeKey, sdk } from './support/app.mjs';
import assert from './support/assert.mjs';
import { serverUrl } from './support/environment.mjs';
import { BAD_KEY, expectError, expectPage, expectRejection } from './support/expect.mjs';
import { send, sendPatiently } from './support/http.mjs';

const app = await openApp('keys');
const { key } = app.sandbox;

const WELL_FORMED_UNKNOWN = 'sk_sb_wellformedunknown';
const EMPTY = { rows: 0, totalCount: 0, hasNextPage: false };

/** The key with its last character changed, so that its checksum no longer fits. */
const mistyped = key.slice(0, -1) + (key.endsWith('a') ? 'b' : 'a');

const refusals = [
  { name: 'no key at all', headers: {}, status: 400 },
  { name: 'an empty key', headers: { 'X-API-KEY': '' }, status: 400 },
  { name: 'nonsense instead of a key', headers: { 'X-API-KEY': 'nonsense' }, status: 400 },
  { name: 'the key as a bearer token only', headers: { Authorization: `Bearer ${key}` }, status: 400 },
  { name: 'the key in the query only', path: `/members?api_key=${key}`, headers: {}, status: 400 },
  { name: 'a well-formed key that nobody holds', headers: { 'X-API-KEY': WELL_FORMED_UNKNOWN }, status: 401 },
  { name: 'a mistyped key', headers: { 'X-API-KEY': mistyped }, status: 401 },
];

// Bad keys are limited per address: what must be answered at the first try comes before the many below.

test('the SDK rejects a bad key with the code and the message', async () => {
  await expectRejection(sdk(WELL_FORMED_UNKNOWN).members.list(), BAD_KEY);
  await expectRejection(sdk('nonsense').members.list(), BAD_KEY);
});

test('a key revoked by the command is refused at the very next request, and no other key is', async () => {
  const doomed = await createKey(app.id, { name: 'doomed', rateLimit: 'none' });
  const { members } = sdk(doomed.key);
  expectPage(await members.list(), EMPTY);
  await revokeKey(doomed.id);
  await expectRejection(members.list(), BAD_KEY);
  const response = await sendPatiently('GET', '/members', { key: doomed.key });
  expectError(response, 401, BAD_KEY);
  expectPage(await app.sandbox.members.list(), EMPTY);
});

for (const { name, path = '/members', headers, status } of refusals) {
  test(`${name} is refused with ${status} and the one body for bad keys`, async () => {
    const response = await sendPatiently('GET', path, { headers });
    expectError(response, status, BAD_KEY);
    assert.deepEqual(response.body, BAD_KEY);
  });
}

test('a public key does not open the admin API', async () => {
  const response = await sendPatiently('GET', '/members', { key: app.environments.sandbox.publicKey });
  assert.ok([400, 401].includes(response.status), `status ${response.status}`);
  assert.deepEqual(response.body, BAD_KEY);
});

test('a write with a bad key is refused before its body is looked at', async () => {
  const headers = { 'X-API-KEY': WELL_FORMED_UNKNOWN };
  expectError(await sendPatiently('POST', '/members', { headers, body: '{bad' }), 401, BAD_KEY);
});

for (const header of ['X-API-KEY', 'X-API-Key', 'x-api-key']) {
  test(`the key is taken from a header spelled ${header}`, async () => {
    assert.equal((await send('GET', '/members', { headers: { [header]: key } })).status, 200);
  });
}

test('a bearer token beside a good key does no harm', async () => {
  const headers = { 'X-API-Key': key, Authorization: 'Bearer of-something-else' };
  assert.equal((await send('GET', '/members', { headers })).status, 200);
});

test('the keys an app is born with work at once', async () => {
  const { sandbox, live } = app.environments;
  assert.match(sandbox.secretKey, /^sk_sb_[0-9A-Za-z]{38}$/);
  assert.match(live.secretKey, /^sk_(?!sb_)[0-9A-Za-z]{38}$/);
  expectPage(await sdk(sandbox.secretKey).members.list(), EMPTY);
  expectPage(await sdk(live.secretKey).members.list(), EMPTY);
});

test('a base URL works with and without a trailing slash', async () => {
  expectPage(await sdk(key, serverUrl()).members.list(), EMPTY);
  expectPage(await sdk(key, `${serverUrl()}/`).members.list(), EMPTY);
});

test('the list of keys tells when a key was last used, and never the key', async () => {
  const fresh = await createKey(app.id, { name: 'fresh', rateLimit: 'none' });
  const listed = async () => (await listKeys(app.id)).find(({ id }) => id === fresh.id);
  const before = await listed();
  assert.equal(before.name, 'fresh');
  assert.equal(before.lastUsedAt, null);

  const usedAt = Date.now();
  await sdk(fresh.key).members.list();
  const deadline = Date.now() + 15_000;
  let after = await listed();
  while (after.lastUsedAt === null && Date.now() < deadline) after = await listed();
  assert.notEqual(after.lastUsedAt, null, 'last use is shown within 15 s');
  assert.ok(Math.abs(Date.parse(after.lastUsedAt) - usedAt) < 15_000, `last used at ${after.lastUsedAt}`);
  assert.ok(!JSON.stringify(await listKeys(app.id)).includes(fresh.key));
});
