// Bad input to the records of data tables is answered with the documented 4xx, and stores nothing.

import { test } from 'node:test';
import assert from './support/assert.mjs';
import { BAD_KEY, expectError, expectRejection } from './support/expect.mjs';
import { send } from './support/http.mjs';
import {
  BAD_VALUE,
  GENERIC,
  NO_SUCH_RECORD,
  NO_SUCH_TABLE,
  ask,
  openTables,
  recordsPath,
  titled,
} from './support/tables.mjs';

const app = await openTables('bad table input');
const { key, tables, create, read, count, newCat } = app.sandbox;

const tom = await newCat('Tom');
const whole = { name: 'Ada', email: 'taken', n: 1, score: '1.5', cat: tom.id, tags: [tom.id] };
const bystander = await create('contacts', whole);
const before = await read('contacts', bystander.id, { include: { cat: true, tags: true } });

const UNKNOWN_ID = 'clunknown0000000000000000';
const SQL = `"; DROP TABLE data_tables; --`;
const RECORDS = recordsPath('contacts');
const RECORD = `${RECORDS}/${bystander.id}`;

const says = (message) => ({ message });

async function expectUntouched() {
  assert.equal(await count('contacts'), 1);
  assert.deepEqual(await read('contacts', bystander.id, { include: { cat: true, tags: true } }), before);
}

async function expectRefusedCreation(body, expected, status = 400) {
  expectError(await send('POST', RECORDS, { key, body }), status, expected);
  await expectUntouched();
}

async function expectRefusedUpdate(body, expected, status = 400) {
  expectError(await send('PUT', RECORD, { key, body }), status, expected);
  await expectUntouched();
}

// Bodies.

for (const body of [{}, { data: [] }, { data: 'text' }, { data: 5 }, { data: null }, { name: 'flat' }]) {
  test(`the body ${titled(body)} holds no data`, async () => {
    await expectRefusedCreation(body, says('data must be an object'));
    await expectRefusedUpdate(body, says('data must be an object'));
  });
}

test('an update to nothing is refused', () => expectRefusedUpdate({ data: {} }, says('data cannot be empty')));

for (const body of ['{bad', '{"data":{"name":"x"}', '{"data":{"name":"x"}} x', '{"data":{"n":NaN}}']) {
  test(`${body} is not JSON`, async () => {
    await expectRefusedCreation(body, { code: 'validation/invalid-json' });
    await expectRefusedUpdate(body, { code: 'validation/invalid-json' });
    expectError(await ask(key, 'contacts', body), 400, { code: 'validation/invalid-json' });
  });
}

const unreadable = {
  'an empty body': '',
  'an array': '[]',
  'a name given twice': '{"data":{"name":"x","name":"y"}}',
  'a NUL in a text': String.raw`{"data":{"name":"a\u0000b"}}`,
  'a lone surrogate in a text': String.raw`{"data":{"name":"\ud800"}}`,
  'arrays nested 100,000 deep': `{"data":{"name":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
};

for (const [name, body] of Object.entries(unreadable)) {
  test(`${name} is refused`, async () => {
    await expectRefusedCreation(body);
    await expectRefusedUpdate(body);
  });
}

// Fields and values.

const systemFields = ['id', 'internalOrder', 'createdByMemberId'];
const unknownFields = ['nope', 'Name', 'name ', ...systemFields, '__proto__', 'constructor', '', SQL];

for (const name of unknownFields) {
  test(`${JSON.stringify(name)} is no field to write`, async () => {
    const body = `{"data":{"name":"x",${JSON.stringify(name)}:1}}`;
    await expectRefusedCreation(body, GENERIC);
    await expectRefusedUpdate(body, GENERIC);
  });
}

const wrongValues = [
  { name: 5 },
  { name: true },
  { name: ['text'] },
  { name: { set: 'text' } },
  { email: 5 },
  { email: {} },
  { score: 'many' },
  { score: [1] },
  { n: '5' },
  { n: 1.5 },
  { n: Number.MAX_SAFE_INTEGER + 1 },
  { n: -1e300 },
  { n: true },
  { n: { increment: 1 } },
  { active: 'true' },
  { active: 1 },
  { due: 'tomorrow' },
  { due: '2023-02-29' },
  { due: '2026-13-01' },
  { due: '' },
  { due: 5 },
  { site: 'no address' },
  { site: 'javascript:alert(1)' },
  { site: 5 },
  { mail: 'nobody' },
  { mail: 'a@example.com, b@example.com' },
  { mail: 5 },
  { city: 'x'.repeat(256) },
  { city: 5 },
];

for (const wrong of wrongValues) {
  test(`${titled(wrong)} is a wrong value`, async () => {
    await expectRefusedCreation({ data: { name: 'x', ...wrong } }, BAD_VALUE);
    await expectRefusedUpdate({ data: { city: 'Bern', ...wrong } }, BAD_VALUE);
  });
}

for (const memberId of [5, {}, ['mem_sb_unknown'], true]) {
  const body = { data: { name: 'x' }, memberId };
  test(`the memberId ${JSON.stringify(memberId)} is refused`, () => expectRefusedCreation(body));
}

test('a value too many is refused with the good ones beside it', async () => {
  await expectRefusedCreation({ data: { name: 'x', email: 'taken' } }, { code: 'unique-constraint-violation' });
  await expectRefusedCreation({ data: { email: 'fresh' } }, { code: 'required-field-missing' });
  assert.equal(await count('contacts', { email: 'fresh' }), 0);
});

// Addresses.

test('an unknown table is not found, whatever is asked of it', async () => {
  const path = recordsPath('unknown');
  const data = { name: 'x' };
  expectError(await send('POST', path, { key, body: { data } }), 404, NO_SUCH_TABLE);
  expectError(await ask(key, 'unknown', { query: { findMany: {} } }), 404, NO_SUCH_TABLE);
  expectError(await send('PUT', `${path}/${bystander.id}`, { key, body: { data } }), 404, NO_SUCH_TABLE);
  expectError(await send('DELETE', `${path}/${bystander.id}`, { key }), 404, NO_SUCH_TABLE);
});

test('what cannot be the key of a table is refused, whatever is asked of it', async () => {
  const malformed = says('Invalid table key or ID format');
  for (const table of ['a%20b!', encodeURIComponent(SQL)]) {
    const path = recordsPath(table);
    const data = { name: 'x' };
    expectError(await send('POST', path, { key, body: { data } }), 400, malformed);
    expectError(await ask(key, table, { query: { findMany: {} } }), 400, malformed);
    expectError(await send('PUT', `${path}/${bystander.id}`, { key, body: { data } }), 400, malformed);
    expectError(await send('DELETE', `${path}/${bystander.id}`, { key }), 400, malformed);
  }
});

test('an empty table or record id is missed by name', async () => {
  const noTable = says('Table key is required');
  const noRecord = says('Record ID is required');
  await expectRejection(tables.createRecord({ table: '', data: { name: 'x' } }), noTable);
  await expectRejection(tables.queryRecords({ table: '', query: { findMany: {} } }), noTable);
  await expectRejection(tables.updateRecord({ table: 'contacts', recordId: '', data: { n: 2 } }), noRecord);
  await expectRejection(tables.deleteRecord({ table: 'contacts', recordId: '' }), noRecord);
  await expectUntouched();
});

for (const id of [UNKNOWN_ID, `rec_${UNKNOWN_ID}`, '1', SQL, "' OR 1=1 --", 'x'.repeat(2000), 'é']) {
  test(`${titled(id)} is the id of no record`, async () => {
    const path = `${RECORDS}/${encodeURIComponent(id)}`;
    expectError(await send('PUT', path, { key, body: { data: { n: 2 } } }), 404, NO_SUCH_RECORD);
    expectError(await send('DELETE', path, { key }), 404, NO_SUCH_RECORD);
    await expectUntouched();
  });
}

test('without a key nothing is written or read', async () => {
  const data = { name: 'x' };
  expectError(await send('POST', RECORDS, { body: { data } }), 400, BAD_KEY);
  expectError(await send('PUT', RECORD, { body: { data } }), 400, BAD_KEY);
  expectError(await send('DELETE', RECORD), 400, BAD_KEY);
  expectError(await ask(undefined, 'contacts', { query: { findMany: {} } }), 400, BAD_KEY);
  await expectUntouched();
});

test('after all that the tables and the one record are as they were', async () => {
  await expectUntouched();
  assert.deepEqual((await tables.list()).data.tables.map((table) => table.key).sort(), ['cats', 'contacts']);
});
