// The definitions of tables, as a server with a secret key sees them.

import { test } from 'node:test';
import { openApp, sdk } from './support/app.mjs';
import assert from './support/assert.mjs';
import { BAD_KEY, expectError, expectRejection } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { secret } from './support/ledger.mjs';
import { BARE_ID, CATS, CONTACTS, ISO_MILLISECONDS, NO_SUCH_TABLE, createTable, openTables } from './support/tables.mjs';

const app = await openTables('tables');
const { key, tables } = app.sandbox;

const get = async (table) => (await tables.get({ table })).data;
const FIELD_PARTS = ['defaultValue', 'id', 'key', 'name', 'referencedTableId', 'required', 'tableOrder', 'type'];

test('an app without tables lists none', async () => {
  const empty = await openApp('no tables');
  assert.deepEqual(await sdk(empty.sandbox.key).dataTables.list(), { data: { tables: [] } });
});

test('the list holds every table, each as a look-up shows it', async () => {
  const { data } = await tables.list();
  assert.deepEqual(data.tables.map((table) => table.key).sort(), ['cats', 'contacts']);
  for (const table of data.tables) assert.deepEqual(table, await get(table.key));
});

test('a table is found by its key and by its id', async () => {
  const byKey = await get('contacts');
  assert.equal(byKey.id, app.contacts.id);
  assert.match(byKey.id, /^tbl_[0-9A-Za-z]+$/);
  assert.deepEqual(await get(byKey.id), byKey);
});

test('a table shows its name, its rules and its times', async () => {
  for (const [key, given] of Object.entries({ cats: CATS, contacts: CONTACTS })) {
    const { id, fields, createdAt, updatedAt, ...rest } = await get(key);
    const { fields: _, ...expected } = given;
    assert.deepEqual(rest, expected);
    assert.match(createdAt, ISO_MILLISECONDS);
    if (updatedAt !== null) assert.match(updatedAt, ISO_MILLISECONDS);
  }
});

test('fields stand in the order in which they were given', async () => {
  const { fields } = await get('contacts');
  const essence = ({ key, name, type, required, defaultValue = null }) => ({ key, name, type, required, defaultValue });
  assert.deepEqual(fields.map(essence), CONTACTS.fields.map(essence));
});

test('a field has an id of its own, and no parts but the documented ones', async () => {
  const { fields } = await get('contacts');
  assert.equal(new Set(fields.map(({ id }) => id)).size, fields.length);
  for (const { referencedTable, ...parts } of fields) {
    assert.deepEqual(Object.keys(parts).sort(), FIELD_PARTS, parts.key);
    assert.match(parts.id, BARE_ID);
  }
});

test('only a reference to records names the table that it points at', async () => {
  const { fields } = await get('contacts');
  for (const { key, type, referencedTableId, ...parts } of fields) {
    if (type === 'REFERENCE' || type === 'REFERENCE_MANY') {
      assert.equal(referencedTableId, app.cats.id, key);
      assert.deepEqual(parts.referencedTable, { id: app.cats.id, key: 'cats', name: CATS.name });
    } else {
      assert.equal(referencedTableId, null, key);
      assert.ok(!Object.hasOwn(parts, 'referencedTable'), key);
    }
  }
});

test('both environments of an app have the same tables', async () => {
  assert.deepEqual(await app.live.tables.list(), await tables.list());
});

test('a table made while the server runs is there at once', async () => {
  const made = await createTable(app.id, { ...CATS, key: 'dogs', name: 'Dogs' });
  assert.equal((await get('dogs')).id, made.id);
});

test('a key that no table has is not found', async () => {
  for (const table of ['unknown', 'tbl_clunknown0000000000000000']) {
    await expectRejection(tables.get({ table }), NO_SUCH_TABLE);
    expectError(await send('GET', `/v2/data-tables/${table}`, { key }), 404, NO_SUCH_TABLE);
  }
});

test("another app's table is not found, by its key or by its id", async () => {
  const other = sdk((await openApp('tables, next door')).sandbox.key).dataTables;
  for (const table of ['contacts', app.contacts.id]) await expectRejection(other.get({ table }), NO_SUCH_TABLE);
});

for (const table of ['a%20b!', 'a%2Fb', "contacts'%3B--", '%22contacts%22', '..%2Fmembers', 'caf%C3%A9']) {
  test(`${table} is not even the form of a key`, async () => {
    const response = await send('GET', `/v2/data-tables/${table}`, { key });
    expectError(response, 400, { message: 'Invalid table key or ID format' });
  });
}

test('without a key, or with a wrong one, there is nothing to see', async () => {
  expectError(await send('GET', '/v2/data-tables'), 400, BAD_KEY);
  expectError(await send('GET', '/v2/data-tables/contacts'), 400, BAD_KEY);
  const unknown = secret(`sk_sb_${'0'.repeat(38)}`);
  expectError(await send('GET', '/v2/data-tables', { key: unknown }), 401, BAD_KEY);
});

const wrongMethods = [
  ['POST', '/v2/data-tables'],
  ['DELETE', '/v2/data-tables/contacts'],
  ['GET', '/v2/data-tables/contacts/records'],
  ['GET', '/v2/data-tables/contacts/records/query'],
  ['GET', '/v2/data-tables/contacts/records/clunknown0000000000000000'],
  ['PATCH', '/v2/data-tables/contacts/records/clunknown0000000000000000'],
];

for (const [method, path] of wrongMethods) {
  test(`${method} is no method of ${path}`, async () => {
    const response = await send(method, path, { key });
    expectError(response, 405);
    assert.match(response.headers.allow ?? '', /[A-Z]/);
  });
}
