// References: connecting, disconnecting, reading through them, and what a deletion does to those who point at it.

import { test } from 'node:test';
import assert from './support/assert.mjs';
import { expectRejection } from './support/expect.mjs';
import { newPerson } from './support/people.mjs';
import { BAD_VALUE, openTables } from './support/tables.mjs';

const app = await openTables('references');
const { members, tables, create, update, find, read, count, newCat } = app.sandbox;

const tom = await newCat('Tom');
const felix = await newCat('Felix');
const kit = await newCat('Kit');
const newMember = async (environment = app.sandbox) => (await environment.members.create(newPerson())).data;
const jane = await newMember();
const john = await newMember();

const MEMBER_PARTS = ['createdAt', 'customFields', 'email', 'id', 'profileImage', 'updatedAt', 'verified'];

const contact = (more) => create('contacts', { name: 'Ada', ...more });
const labels = ({ records }) => records.map(({ data }) => data.label);
const tagsOf = async (id) => labels((await read('contacts', id, { include: { tags: true } })).data.tags);
const fansOf = async (id) => {
  const { data } = await read('contacts', id, { include: { fans: true } });
  return data.fans.records.map((fan) => fan.id);
};

/** What a write says of a field that holds many. */
const expectOutcome = (outcome, count, action) => {
  assert.equal(outcome?.count, count);
  assert.equal(outcome?.action, action);
};

for (const [form, cat] of Object.entries({ 'its id': tom.id, 'a connect': { connect: { id: tom.id } } })) {
  test(`a reference is set by ${form} and shown as an id`, async () => {
    const record = await contact({ cat });
    assert.equal(record.data.cat, tom.id);
    assert.equal((await read('contacts', record.id)).data.cat, tom.id);
  });
}

test('a reference is moved by a connect, and cleared by a disconnect or by null', async () => {
  const { id } = await contact({ cat: tom.id });
  assert.equal((await update('contacts', id, { cat: { connect: { id: felix.id } } })).data.cat, felix.id);
  assert.equal((await update('contacts', id, { cat: { disconnect: { id: felix.id } } })).data.cat, null);
  assert.equal((await update('contacts', id, { cat: kit.id })).data.cat, kit.id);
  assert.equal((await update('contacts', id, { cat: null })).data.cat, null);
  assert.equal((await read('contacts', id)).data.cat, null);
});

test('an included reference is the record it points at, or null', async () => {
  const { id } = await contact({ cat: tom.id });
  const { createdAt, updatedAt, internalOrder } = tom;
  const whole = { id: tom.id, createdAt, updatedAt, internalOrder, data: { label: 'Tom' } };
  assert.deepEqual((await read('contacts', id, { include: { cat: true } })).data.cat, whole);
  const { records } = await find('contacts', { where: { id }, include: { cat: true } });
  assert.deepEqual(records[0].data.cat, whole);
  const empty = await contact();
  assert.equal((await read('contacts', empty.id, { include: { cat: true } })).data.cat, null);
});

test('an array connects many on creation, and the answer counts them', async () => {
  const record = await contact({ tags: [kit.id, tom.id] });
  expectOutcome(record.data.tags, 2, 'connected');
  assert.ok(!Object.hasOwn(record.data, 'fans'), 'a field that was not written is not in the answer');
  assert.deepEqual(await tagsOf(record.id), ['Tom', 'Kit']);
});

test('many are connected and disconnected, one or several at a time', async () => {
  const { id } = await contact({ tags: { connect: { id: tom.id } } });
  const write = async (tags) => (await update('contacts', id, { tags })).data.tags;
  assert.deepEqual(await tagsOf(id), ['Tom']);
  expectOutcome(await write({ connect: [{ id: felix.id }, { id: kit.id }] }), 2, 'connected');
  assert.deepEqual(await tagsOf(id), ['Tom', 'Felix', 'Kit']);
  expectOutcome(await write({ disconnect: { id: felix.id } }), 1, 'disconnected');
  expectOutcome(await write({ disconnect: [{ id: tom.id }, { id: kit.id }] }), 2, 'disconnected');
  assert.deepEqual(await tagsOf(id), []);
});

test('connecting again, or disconnecting what is not connected, changes nothing', async () => {
  const { id } = await contact({ tags: [tom.id] });
  const again = await update('contacts', id, { tags: { connect: { id: tom.id } } });
  assert.equal(again.data.tags.action, 'unchanged');
  const absent = await update('contacts', id, { tags: { disconnect: { id: kit.id } } });
  assert.equal(absent.data.tags.action, 'unchanged');
  assert.deepEqual(await tagsOf(id), ['Tom']);
});

test('a connect and a disconnect may come together', async () => {
  const { id } = await contact({ tags: [tom.id] });
  await update('contacts', id, { tags: { connect: { id: felix.id }, disconnect: { id: tom.id } } });
  assert.deepEqual(await tagsOf(id), ['Felix']);
});

test('what was not written is neither in the answer nor in the results of findMany', async () => {
  const record = await contact({ tags: [tom.id], fans: [jane.id] });
  const updated = await update('contacts', record.id, { n: 1 });
  const { records } = await find('contacts', { where: { id: record.id } });
  const { data: last } = await tables.deleteRecord({ table: 'contacts', recordId: record.id });
  for (const { data } of [updated, records[0], last]) {
    assert.ok(!Object.hasOwn(data, 'tags'));
    assert.ok(!Object.hasOwn(data, 'fans'));
  }
});

test('a record counts its many for whoever asks', async () => {
  const { id } = await contact({ tags: [tom.id, kit.id], fans: [jane.id] });
  const include = { _count: { select: { tags: true, fans: true } } };
  const { records } = await find('contacts', { where: { id }, include });
  assert.deepEqual(records[0]._count, { tags: 2, fans: 1 });
});

test('an included many is paged by the number of its last record', async () => {
  const { id } = await contact({ tags: [kit.id, felix.id, tom.id] });
  const page = async (tags) => (await read('contacts', id, { include: { tags } })).data.tags;
  const first = await page({ take: 2 });
  assert.deepEqual(labels(first), ['Tom', 'Felix']);
  assert.deepEqual(first.pagination, { limit: 2, hasMore: true, endCursor: felix.internalOrder });
  const second = await page({ take: 2, after: first.pagination.endCursor });
  assert.deepEqual(labels(second), ['Kit']);
  assert.deepEqual(second.pagination, { limit: 2, hasMore: false, endCursor: kit.internalOrder });
  assert.deepEqual(labels(await page({ skip: 1, take: 1 })), ['Felix']);
  assert.equal((await page(true)).pagination.hasMore, false);
});

test('findMany does not include what holds many', async () => {
  for (const include of [{ tags: true }, { fans: true }, { cat: true, tags: { take: 1 } }]) {
    await expectRejection(find('contacts', { include }));
  }
});

// Members.

for (const [form, holder] of Object.entries({ 'its id': jane.id, 'a connect': { connect: { id: jane.id } } })) {
  test(`a member is referenced by ${form} and shown as an id`, async () => {
    const record = await contact({ holder });
    assert.equal(record.data.holder, jane.id);
    assert.equal((await read('contacts', record.id)).data.holder, jane.id);
  });
}

test('an included member shows what a table may show of one', async () => {
  const { id } = await contact({ holder: jane.id, fans: [jane.id] });
  const { records } = await find('contacts', { where: { id }, include: { holder: true } });
  const { data } = await read('contacts', id, { include: { holder: true, fans: true } });
  for (const row of [records[0].data.holder, data.holder, data.fans.records[0]]) {
    assert.deepEqual(Object.keys(row).sort(), MEMBER_PARTS);
    assert.equal(row.id, jane.id);
    assert.equal(row.email, jane.auth.email);
    assert.equal(row.createdAt, jane.createdAt);
    assert.equal(row.verified, false);
    assert.deepEqual(row.customFields, jane.customFields);
  }
});

test('many members are connected, disconnected, and paged in the order they joined', async () => {
  const { id, data } = await contact({ fans: [john.id, jane.id] });
  expectOutcome(data.fans, 2, 'connected');
  const page = async (fans) => (await read('contacts', id, { include: { fans } })).data.fans;
  const first = await page({ take: 1 });
  assert.deepEqual(first.records.map((fan) => fan.id), [jane.id]);
  // The time at which the last one joined, with more digits than a clock has.
  const { endCursor, ...pagination } = first.pagination;
  assert.deepEqual(pagination, { limit: 1, hasMore: true });
  // Compared as text: V8 reads so many digits wrongly when they begin with a nought.
  assert.equal(endCursor.replace(/(\.\d{3})\d{16}Z$/, '$1Z'), jane.createdAt);
  const second = await page({ take: 1, after: first.pagination.endCursor });
  assert.deepEqual(second.records.map((fan) => fan.id), [john.id]);
  assert.equal(second.pagination.hasMore, false);
  expectOutcome((await update('contacts', id, { fans: { disconnect: { id: jane.id } } })).data.fans, 1, 'disconnected');
  assert.deepEqual(await fansOf(id), [john.id]);
});

// Deletions.

test('deleting a record clears every reference to it, and leaves the others', async () => {
  const doomed = await newCat('Doomed');
  const { id } = await contact({ cat: doomed.id, tags: [doomed.id, tom.id] });
  await tables.deleteRecord({ table: 'cats', recordId: doomed.id });
  assert.equal((await read('contacts', id, { include: { cat: true } })).data.cat, null);
  assert.deepEqual(await tagsOf(id), ['Tom']);
  assert.equal(await count('contacts', { cat: doomed.id }), 0);
});

test('deleting a record that points at others leaves them', async () => {
  const { id } = await contact({ cat: tom.id, tags: [tom.id, kit.id] });
  await tables.deleteRecord({ table: 'contacts', recordId: id });
  assert.equal((await read('cats', tom.id)).data.label, 'Tom');
  assert.equal((await read('cats', kit.id)).data.label, 'Kit');
});

test('deleting a member clears it as owner, as reference and among many, and keeps the record', async () => {
  const doomed = await newMember();
  const { id } = await create('contacts', { name: 'Ada', holder: doomed.id, fans: [doomed.id, jane.id] }, doomed.id);
  await members.delete({ id: doomed.id });
  const { data } = await read('contacts', id, { include: { holder: true } });
  assert.equal(data.holder, null);
  assert.deepEqual(await fansOf(id), [jane.id]);
  assert.equal((await update('contacts', id, { n: 1 })).createdByMemberId, null);
});

// What cannot be pointed at.

const other = await openTables('references, next door');
const stray = await contact();
const strangers = {
  'an unknown record': { cat: 'clunknown0000000000000000' },
  'a record of another table': { cat: stray.id },
  'a record of the other environment': { cat: (await app.live.newCat('Live')).id },
  "another app's record": { cat: (await other.sandbox.newCat('Theirs')).id },
  'an unknown record, by connect': { cat: { connect: { id: 'clunknown0000000000000000' } } },
  'an unknown record among known ones': { tags: [tom.id, 'clunknown0000000000000000'] },
  'an unknown record among many, by connect': { tags: { connect: [{ id: tom.id }, { id: stray.id }] } },
  'a member in place of a record': { cat: jane.id },
  'an unknown member': { holder: 'mem_sb_unknown' },
  'a member of the other environment': { holder: (await newMember(app.live)).id },
  "another app's member": { holder: (await newMember(other.sandbox)).id },
  'an unknown member among known ones': { fans: [jane.id, 'mem_sb_unknown'] },
  'a number': { cat: 5 },
  'an array where one belongs': { cat: [tom.id] },
  'a connect without an id': { cat: { connect: {} } },
  'a number among many': { tags: [5] },
  'an object that says nothing': { tags: { attach: { id: tom.id } } },
};

for (const [name, wrong] of Object.entries(strangers)) {
  test(`${name} is no value of a reference, and nothing is stored`, async () => {
    const before = await count('contacts');
    await expectRejection(tables.createRecord({ table: 'contacts', data: { name: 'x', ...wrong } }), BAD_VALUE);
    assert.equal(await count('contacts'), before);
    const kept = await contact({ n: 1, cat: kit.id, tags: [kit.id], fans: [john.id] });
    const change = { table: 'contacts', recordId: kept.id, data: { n: 2, ...wrong } };
    await expectRejection(tables.updateRecord(change), BAD_VALUE);
    const { data } = await read('contacts', kept.id);
    assert.equal(data.n, 1);
    assert.equal(data.cat, kit.id);
    assert.deepEqual(await tagsOf(kept.id), ['Kit']);
    assert.deepEqual(await fansOf(kept.id), [john.id]);
  });
}
