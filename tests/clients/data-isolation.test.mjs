// Tables are the app's, records are the environment's: nothing is seen or touched across either line.

import { test } from 'node:test';
import assert from './support/assert.mjs';
import { expectRejection } from './support/expect.mjs';
import { NO_RECORD_FOUND, NO_SUCH_RECORD, openTables } from './support/tables.mjs';

const app = await openTables('table isolation');
const neighbour = await openTables('table isolation, next door');
const { create, newCat, read, count } = app.sandbox;

const tom = await newCat('Tom');
const record = await create('contacts', { name: 'Ada', email: 'mine', n: 1, cat: tom.id, tags: [tom.id] });
const before = await read('contacts', record.id, { include: { cat: true, tags: true } });

const strangers = { 'the live key': app.live, "another app's key": neighbour.sandbox };

for (const [name, { tables, find, count: countTheirs }] of Object.entries(strangers)) {
  const theirs = { table: 'contacts', recordId: record.id };

  test(`${name} does not see a sandbox record`, async () => {
    assert.deepEqual((await find('contacts')).records, []);
    assert.equal(await countTheirs('contacts'), 0);
    for (const where of [{ id: record.id }, { OR: [{ email: 'mine' }, { n: 1 }] }, { NOT: { n: 99 } }, { cat: tom.id }]) {
      assert.equal(await countTheirs('contacts', where), 0);
    }
    await expectRejection(tables.getRecord(theirs), NO_RECORD_FOUND);
  });

  test(`${name} cannot change or delete a sandbox record`, async () => {
    await expectRejection(tables.updateRecord({ ...theirs, data: { n: 2 } }), NO_SUCH_RECORD);
    await expectRejection(tables.deleteRecord(theirs), NO_SUCH_RECORD);
    assert.deepEqual(await read('contacts', record.id, { include: { cat: true, tags: true } }), before);
  });
}

test("a record is not found through another table's name", async () => {
  const wrong = { table: 'cats', recordId: record.id };
  const { tables } = app.sandbox;
  await expectRejection(tables.getRecord(wrong), NO_RECORD_FOUND);
  await expectRejection(tables.updateRecord({ ...wrong, data: { label: 'x' } }), NO_SUCH_RECORD);
  await expectRejection(tables.deleteRecord(wrong), NO_SUCH_RECORD);
  assert.equal(await count('contacts'), 1);
});

test('each environment has records of its own in the same table', async () => {
  const twin = await app.live.create('contacts', { name: 'live Ada', email: 'mine' });
  assert.equal(twin.data.email, 'mine');
  assert.equal(await count('contacts', { email: 'mine' }), 1);
  await app.live.tables.deleteRecord({ table: 'contacts', recordId: twin.id });
  assert.equal(await app.live.count('contacts'), 0);
  assert.equal((await read('contacts', record.id)).data.name, 'Ada');
});
