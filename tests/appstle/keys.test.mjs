// Cases 1 to 29: who gets in, and how everyone else is told the same.

import { test } from 'node:test';
import { guildhallJson } from '../clients/support/command.mjs';
import assert from '../clients/support/assert.mjs';
import { secret } from '../clients/support/ledger.mjs';
import { spawnSync } from 'node:child_process';
import { commandEnvironment, dataDir, program } from '../clients/support/environment.mjs';
import { expectBadKey, expectProblem, expectStatus, get, patiently } from './support/call.mjs';
import { createKey, createPartner, listKeys, openStore, revokeKey, setApiAccess } from './support/store.mjs';

const store = await openStore('keys-a');
const other = await openStore('keys-b');
const { key, shop } = store;

const PLANS = 'membership-plans';
const query = { shop };
const ask = (options = {}) => patiently('GET', PLANS, { query, ...options });

test('F01 the key in X-API-Key opens the store', async () => {
  const response = await ask({ key });
  expectStatus(response, 200);
  assert.deepEqual(Object.keys(response.body).sort(), ['content', 'totalElements']);
});

test('F02 the name of the header may be written in any case', async () => {
  expectStatus(await ask({ headers: { 'x-api-key': key } }), 200);
});

test('F03 the key may come as api_key in the query', async () => {
  expectStatus(await ask({ query: { shop, api_key: key } }), 200);
});

test('F04 the same key may come in both', async () => {
  expectStatus(await ask({ key, query: { shop, api_key: key } }), 200);
});

test('F04 the header wins over the query', async () => {
  expectBadKey(await ask({ key: 'apst_wrong', query: { shop, api_key: key } }));
  expectStatus(await ask({ key, query: { shop, api_key: 'apst_wrong' } }), 200);
});

test('F07 no credential', async () => expectBadKey(await ask()));

test('F08 an unknown key', async () => expectBadKey(await ask({ key: `apst_${'A'.repeat(38)}` })));

test('F09 a revoked key is refused at once, its siblings are not', async () => {
  const doomed = await createKey(store.id, { name: 'doomed' });
  expectStatus(await ask({ key: doomed.key }), 200);
  await revokeKey(doomed.id);
  expectBadKey(await ask({ key: doomed.key }));
  expectStatus(await ask({ key }), 200);
});

test('F10 a key with white space copied along', async () => {
  for (const padded of [`${key} `, ` ${key}`, `${key.slice(0, 9)} ${key.slice(9)}`]) {
    expectBadKey(await ask({ query: { shop, api_key: padded } }));
  }
});

test('F13 a key from elsewhere, without prefix, that was imported', async () => {
  const legacy = secret('4f9c2b7e51d84a0c9b3e7d216fa80c55');
  const about = ['--app', store.id, '--kind', 'store', '--env', 'sandbox', '--name', 'legacy', '--json'];
  const place = dataDir() ? ['--data-dir', dataDir()] : [];
  const imported = spawnSync(program(), ['key', 'import', ...about, ...place], { input: legacy, env: commandEnvironment() });
  assert.equal(imported.status, 0, String(imported.stderr));
  expectStatus(await ask({ key: legacy }), 200);
  expectStatus(await ask({ query: { shop, api_key: legacy } }), 200);
});

test('F14 a bearer token is no key', async () => {
  expectBadKey(await ask({ headers: { Authorization: `Bearer ${key}` } }));
  expectStatus(await ask({ key, headers: { Authorization: 'Bearer something-else' } }), 200);
});

test("F15 another store's key, and another store's name", async () => {
  expectBadKey(await ask({ key: other.key }));
  expectBadKey(await ask({ key, query: { shop: other.shop } }));
});

test('F16 no shop', async () => expectProblem(await ask({ key, query: {} }), 400));

test('F17 a shop that is no domain', async () => expectProblem(await ask({ key, query: { shop: 'notadomain' } }), 400));

test('F17 a shop in another case is the same', async () => {
  expectStatus(await ask({ key, query: { shop: shop.toUpperCase() } }), 200);
});

test('F17 a bad key with bad parameters is a bad key', async () => expectBadKey(await ask({ key: 'apst_x', query: {} })));

test('F20 ten keys and no eleventh, until one is revoked', async () => {
  const full = await openStore('keys-full');
  const made = [];
  while (made.length < 9) made.push(await createKey(full.id, { name: `key ${made.length}` }));
  await assert.rejects(createKey(full.id, { name: 'eleventh' }));
  await revokeKey(made[0].id);
  const { key: eleventh } = await createKey(full.id, { name: 'eleventh' });
  expectStatus(await ask({ key: eleventh, query: { shop: full.shop } }), 200);
});

test('F21 what is kept of a key never shows it, and tells when it was last used', async () => {
  const fresh = await createKey(store.id, { name: 'fresh' });
  const listed = async () => (await listKeys(store.id)).find(({ id }) => id === fresh.id);
  assert.equal((await listed()).lastUsedAt, null);
  expectStatus(await ask({ key: fresh.key }), 200);
  const deadline = Date.now() + 15_000;
  while ((await listed()).lastUsedAt === null && Date.now() < deadline);
  const shown = await listed();
  assert.equal(shown.name, 'fresh');
  assert.notEqual(shown.lastUsedAt, null);
  assert.ok(!JSON.stringify(await listKeys(store.id)).includes(fresh.key));
  await revokeKey(fresh.id);
});

test("F23 without API access a partner's key is needed, and it alone opens nothing", async () => {
  const gated = await openStore('keys-gated');
  const partner = await createPartner('Integrator');
  const at = { query: { shop: gated.shop } };
  const beside = { ...at, key: gated.key, headers: { 'X-App-Key': partner.key } };
  await setApiAccess(gated.id, 'off');
  expectBadKey(await ask({ ...at, key: gated.key }));
  expectStatus(await ask(beside), 200);
  expectBadKey(await ask({ ...at, headers: { 'X-App-Key': partner.key } }));
  await setApiAccess(gated.id, 'on');
  expectStatus(await ask({ ...at, key: gated.key }), 200);
  expectBadKey(await ask({ ...beside, headers: { 'X-App-Key': 'ptnr_wrong' } }));
});

test('F28 rotating: both keys work, then the new one alone', async () => {
  const old = await createKey(store.id, { name: 'old' });
  const fresh = await createKey(store.id, { name: 'new' });
  for (const one of [old, fresh]) expectStatus(await ask({ key: one.key }), 200);
  await revokeKey(old.id);
  expectBadKey(await ask({ key: old.key }));
  expectStatus(await ask({ key: fresh.key }), 200);
  await revokeKey(fresh.id);
});

test('F29 beyond the limit', async () => {
  const { key: slow } = await createKey(store.id, { name: 'slow', rateLimit: 3 });
  const answers = await Promise.all(Array.from({ length: 12 }, () => get(PLANS, { key: slow, query })));
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length > 0, answers.map(({ status }) => status).join());
  for (const { headers, body } of refused) {
    assert.ok(Number(headers.get('retry-after')) >= 1);
    assert.equal(headers.get('ratelimit-limit'), '3');
    assert.equal(body.error, 'Too Many Requests');
    assert.equal(body.status, 429);
    assert.ok(body.message);
  }
  expectStatus(await patiently('GET', PLANS, { key: slow, query }), 200);
});

test('keys of the other dialects open nothing here, and a store key nothing there', async () => {
  for (const { secretKey, publicKey } of Object.values(store.environments)) {
    for (const foreign of [secretKey, publicKey]) expectBadKey(await ask({ key: foreign }));
  }
  const shown = await guildhallJson('key', 'list', '--app', store.id);
  assert.ok(shown.some(({ kind }) => kind === 'store'));
});
