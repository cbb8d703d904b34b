// Records: what is stored, what comes back, and in which form.

import { test } from 'node:test';
import assert from './support/assert.mjs';
import { expectError, expectErrorBody, expectRejection } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { newPerson } from './support/people.mjs';
import {
  BAD_VALUE,
  BARE_ID,
  ISO_MILLISECONDS,
  NO_OWNER_FOUND,
  NO_RECORD_FOUND,
  NO_SUCH_RECORD,
  openTables,
  recordsPath,
} from './support/tables.mjs';

const app = await openTables('records');
const { key, members, tables, create, update, read, count } = app.sandbox;

const UNSET = {
  email: null,
  score: null,
  n: null,
  active: null,
  due: null,
  site: null,
  mail: null,
  cat: null,
  holder: null,
};
const RECORD_PARTS = ['createdAt', 'createdByMemberId', 'data', 'id', 'internalOrder', 'tableKey', 'updatedAt'];
const REQUIRED_MISSING = { code: 'required-field-missing' };
const TAKEN = { code: 'unique-constraint-violation' };

const contact = (more) => create('contacts', { name: 'Ada', ...more });
const newMember = async () => (await members.create(newPerson())).data;

/** The creation is refused so, and not a record came of it. */
async function expectNothingCreated(data, expected, memberId) {
  const before = await count('contacts');
  await expectRejection(tables.createRecord({ table: 'contacts', data, memberId }), expected);
  assert.equal(await count('contacts'), before);
}

/** The update is refused so, and nothing of it is seen afterwards. */
async function expectUnchanged(id, data, expected) {
  const before = await read('contacts', id);
  await expectRejection(tables.updateRecord({ table: 'contacts', recordId: id, data }), expected);
  assert.deepEqual(await read('contacts', id), before);
}

test('a record needs no more than what is required; the rest is null or the default', async () => {
  const record = await contact();
  const { id, createdAt, updatedAt, internalOrder, ...rest } = record;
  assert.deepEqual(Object.keys(record).sort(), RECORD_PARTS);
  assert.match(id, BARE_ID);
  assert.match(createdAt, ISO_MILLISECONDS);
  assert.match(updatedAt, ISO_MILLISECONDS);
  assert.ok(Number.isInteger(internalOrder));
  const data = { ...UNSET, name: 'Ada', city: 'Berlin' };
  assert.deepEqual(rest, { tableKey: 'contacts', createdByMemberId: null, data });
});

test('a creation answers 200, and the table may be named by its id', async () => {
  const body = { data: { name: 'by id' } };
  const response = await send('POST', recordsPath(app.contacts.id), { key, body });
  assert.equal(response.status, 200, response.text);
  assert.equal(response.body.data.tableKey, 'contacts');
  assert.equal((await read('contacts', response.body.data.id)).data.name, 'by id');
});

test('everything given comes back as it was given', async () => {
  const given = {
    name: 'Zoë 🦉\n"quoted"',
    email: 'zoe-1',
    n: -42,
    active: false,
    due: '2026-03-01T10:30:00.250Z',
    site: 'https://zoe.example/path?q=1#top',
    mail: 'zoe@example.com',
    city: 'Zürich',
  };
  const record = await contact(given);
  const kept = await read('contacts', record.id);
  for (const { data } of [record, kept]) assert.deepEqual(data, { ...UNSET, ...given });
  const { id, createdAt, updatedAt, internalOrder } = record;
  assert.deepEqual(kept, { id, createdAt, updatedAt, internalOrder, data: kept.data });
});

test('later records have a higher internalOrder', async () => {
  const first = await contact();
  const second = await contact();
  assert.ok(second.internalOrder > first.internalOrder);
});

test('an update changes only what it names', async () => {
  const record = await contact({ n: 1, city: 'Bern' });
  const updated = await update('contacts', record.id, { n: 2 });
  assert.deepEqual(Object.keys(updated).sort(), RECORD_PARTS);
  assert.ok(updated.updatedAt >= record.updatedAt);
  const { updatedAt } = updated;
  assert.deepEqual(updated, { ...record, updatedAt, data: { ...record.data, n: 2 } });
  assert.deepEqual((await read('contacts', record.id)).data, updated.data);
});

test('null clears a field, one with a default too', async () => {
  const record = await contact({ n: 1, email: 'cleared', city: 'Bern' });
  const { data } = await update('contacts', record.id, { n: null, email: null, city: null });
  assert.deepEqual(data, { ...UNSET, name: 'Ada', city: null });
});

test('a deletion answers with the record as it was, and then it is gone', async () => {
  const record = await contact({ n: 7, score: '7.7' });
  const { data: last } = await tables.deleteRecord({ table: 'contacts', recordId: record.id });
  assert.deepEqual(last, record);
  const gone = { table: 'contacts', recordId: record.id };
  await expectRejection(tables.getRecord(gone), NO_RECORD_FOUND);
  await expectRejection(tables.deleteRecord(gone), NO_SUCH_RECORD);
  await expectRejection(tables.updateRecord({ ...gone, data: { n: 8 } }), NO_SUCH_RECORD);
});

test('updates at once of different fields all last', async () => {
  const { id } = await contact();
  const changes = [{ n: 1 }, { score: '1.5' }, { active: true }, { city: 'Bern' }, { mail: 'a@example.com' }];
  await Promise.all(changes.map((change) => update('contacts', id, change)));
  const { data } = await read('contacts', id);
  assert.deepEqual(data, { ...UNSET, name: 'Ada', ...Object.assign({}, ...changes), score: 1.5 });
});

// Decimals: text where they were written, numbers where they are read, and never a float between.

test('a DECIMAL is text in answers to writes and a number in answers to queries', async () => {
  const record = await contact({ score: 9.5 });
  assert.equal(record.data.score, '9.5');
  assert.equal((await tables.getRecord({ table: 'contacts', recordId: record.id })).data.record.data.score, 9.5);
  const { records } = await app.sandbox.find('contacts', { where: { id: record.id } });
  assert.equal(records[0].data.score, 9.5);
  assert.equal((await update('contacts', record.id, { n: 1 })).data.score, '9.5');
  const { data: last } = await tables.deleteRecord({ table: 'contacts', recordId: record.id });
  assert.equal(last.data.score, '9.5');
});

const decimals = [
  ['9.50', '9.5'],
  ['10', '10'],
  ['100.000', '100'],
  ['0.00', '0'],
  ['-0.1', '-0.1'],
  [0.1, '0.1'],
  [0.1 + 0.2, '0.30000000000000004'],
  [1e21, '1000000000000000000000'],
  [1e-7, '0.0000001'],
  ['1234567890123456789012345678', '1234567890123456789012345678'],
  ['-0.1234567890123456789012345678', '-0.1234567890123456789012345678'],
];

for (const [given, kept] of decimals) {
  test(`the DECIMAL ${JSON.stringify(given)} is kept as ${kept}`, async () => {
    const record = await contact({ score: given });
    assert.equal(record.data.score, kept);
    assert.equal((await update('contacts', record.id, { n: 1 })).data.score, kept);
    assert.equal((await read('contacts', record.id)).data.score, Number(kept));
  });
}

// A JSON number is read as JavaScript reads it; the text of a number is the way to more digits.
test('a long DECIMAL sent as text keeps every digit, and is read as a number', async () => {
  const digits = '12345678.12345678901234567891';
  const body = `{"data":{"name":"exact","score":"${digits}"}}`;
  const made = await send('POST', recordsPath('contacts'), { key, body });
  assert.equal(made.body?.data?.data?.score, digits, made.text);
  const query = { query: { findUnique: { where: { id: made.body.data.id } } } };
  const found = await send('POST', `${recordsPath('contacts')}/query`, { key, body: query });
  assert.match(found.text, /"score":\s*12345678\.12345678901234567891[,}]/);
});

for (const score of ['12345678901234567890123456789', '1.2.3', '', 'NaN', 'Infinity', '0x10', '1,5', ' 1', true, {}]) {
  test(`${JSON.stringify(score)} is no DECIMAL`, () => expectNothingCreated({ name: 'x', score }, BAD_VALUE));
}

const dates = {
  '2026-03-01': '2026-03-01T00:00:00.000Z',
  '2024-02-29': '2024-02-29T00:00:00.000Z',
  '2026-03-01T10:30:00Z': '2026-03-01T10:30:00.000Z',
  '2026-03-01T00:30:00+02:00': '2026-02-28T22:30:00.000Z',
};

for (const [given, kept] of Object.entries(dates)) {
  test(`the DATE ${given} comes back as ${kept}`, async () => {
    const record = await contact({ due: given });
    assert.equal(record.data.due, kept);
    assert.equal((await read('contacts', record.id)).data.due, kept);
  });
}

test('a NUMBER may be as large as a client can hold exactly', async () => {
  for (const n of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0]) {
    const { id } = await contact({ n });
    assert.equal((await read('contacts', id)).data.n, n);
  }
});

test('a filterable text holds 255 characters, however many bytes they take', async () => {
  const city = 'ß'.repeat(255);
  const { id } = await contact({ city });
  assert.equal((await read('contacts', id)).data.city, city);
  await expectNothingCreated({ name: 'x', city: `${city}ß` }, BAD_VALUE);
});

// Owners, required and unique fields.

test('memberId makes a member the owner, and an update keeps it', async () => {
  const member = await newMember();
  const record = await create('contacts', { name: 'owned' }, member.id);
  assert.equal(record.createdByMemberId, member.id);
  assert.equal((await update('contacts', record.id, { n: 1 })).createdByMemberId, member.id);
});

test('an unknown owner, or one of the other environment, is not found', async () => {
  const { data: stranger } = await app.live.members.create(newPerson());
  for (const memberId of ['mem_sb_unknown', stranger.id]) {
    await expectNothingCreated({ name: 'x' }, NO_OWNER_FOUND, memberId);
    const body = { data: { name: 'x' }, memberId };
    expectError(await send('POST', recordsPath('contacts'), { key, body }), 404, NO_OWNER_FOUND);
  }
});

test('what is required cannot be left out, nor cleared later', async () => {
  await expectNothingCreated({ n: 1 }, REQUIRED_MISSING);
  await expectNothingCreated({ name: null }, REQUIRED_MISSING);
  await expectNothingCreated({}, REQUIRED_MISSING);
  const { id } = await contact();
  await expectUnchanged(id, { n: 1, name: null }, REQUIRED_MISSING);
});

test('a unique value is taken once, in exactly that spelling', async () => {
  const first = await contact({ email: 'one@unique' });
  await expectNothingCreated({ name: 'x', email: 'one@unique' }, TAKEN);
  const second = await contact({ email: 'One@Unique' });
  await expectUnchanged(second.id, { n: 1, email: 'one@unique' }, TAKEN);
  const kept = await update('contacts', first.id, { email: 'one@unique', n: 1 });
  assert.equal(kept.data.n, 1, 'a record does not stand in its own way');
  const twin = await app.live.create('contacts', { name: 'live', email: 'one@unique' });
  assert.equal(twin.data.email, 'one@unique');
});

test('a unique value is free again once changed, cleared or deleted', async () => {
  for (const release of [
    (id) => update('contacts', id, { email: 'moved' }).then(() => update('contacts', id, { email: null })),
    (id) => tables.deleteRecord({ table: 'contacts', recordId: id }),
  ]) {
    const { id } = await contact({ email: 'again' });
    await release(id);
    const next = await contact({ email: 'again' });
    await tables.deleteRecord({ table: 'contacts', recordId: next.id });
  }
  assert.equal(await count('contacts', { email: { in: ['again', 'moved'] } }), 0);
});

test('of twenty creations at once with one unique value, exactly one succeeds', async () => {
  const calls = Array.from({ length: 20 }, () => contact({ email: 'parallel' }));
  const outcomes = await Promise.allSettled(calls);
  const lost = outcomes.filter(({ status }) => status === 'rejected');
  assert.equal(lost.length, 19);
  for (const { reason } of lost) expectErrorBody(reason, TAKEN);
  assert.equal(await count('contacts', { email: 'parallel' }), 1);
});
