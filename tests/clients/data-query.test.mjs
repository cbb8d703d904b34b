// Queries: order, pages, counts, and what of a record is shown.

import { test } from 'node:test';
import assert from './support/assert.mjs';
import { expectRejection } from './support/expect.mjs';
import {
  BARE_ID,
  GENERIC,
  ISO_MILLISECONDS,
  NO_RECORD_FOUND,
  ask,
  createTable,
  definition,
  field,
  openTables,
} from './support/tables.mjs';

const app = await openTables('query');
const { key, tables, create, find, read, newCat } = app.sandbox;

const tom = await newCat('Tom');
const rows = [
  { name: 'Ada', score: '0.1', n: 1, active: true, due: '2026-03-31', cat: tom.id },
  { name: 'bob', score: 9.5, n: 2, active: false, due: '2026-01-31' },
  { name: 'Cyd', score: '10', n: 3, active: true, due: '2026-02-28T12:00:00Z' },
  { name: 'dan', score: -1.25, n: -4, active: false },
  { name: 'Éva' },
];
const made = {};
for (const row of rows) made[row.name] = await create('contacts', row);
const EVERYONE = 'Ada bob Cyd dan Éva';

const namesOf = ({ records }) => records.map(({ data }) => data.name).join(' ');
const names = async (findMany) => namesOf(await find('contacts', findMany));
const page = (findMany) => find('contacts', findMany);

// Order.

const orders = [
  [undefined, EVERYONE],
  [{ internalOrder: 'asc' }, EVERYONE],
  [{ internalOrder: 'desc' }, 'Éva dan Cyd bob Ada'],
  [{ createdAt: 'asc' }, EVERYONE],
  [{ createdAt: 'desc' }, 'Éva dan Cyd bob Ada'],
  // By code point: capitals before small letters, and accents after both.
  [{ name: 'asc' }, 'Ada Cyd bob dan Éva'],
  [{ name: 'desc' }, 'Éva dan bob Cyd Ada'],
  // As numbers, not as text; nulls last when ascending and first when descending.
  [{ n: 'asc' }, 'dan Ada bob Cyd Éva'],
  [{ n: 'desc' }, 'Éva Cyd bob Ada dan'],
  [{ score: 'asc' }, 'dan Ada bob Cyd Éva'],
  [{ score: 'desc' }, 'Éva Cyd bob Ada dan'],
  [{ due: 'asc' }, 'bob Cyd Ada dan Éva'],
  [{ due: 'desc' }, 'Éva dan Ada Cyd bob'],
  // Ties go the way of the last term.
  [{ active: 'asc' }, 'bob dan Ada Cyd Éva'],
  [{ active: 'desc' }, 'Éva Cyd Ada dan bob'],
  [[{ active: 'asc' }, { n: 'desc' }], 'bob dan Cyd Ada Éva'],
  [[{ active: 'desc' }, { n: 'asc' }], 'Éva Ada Cyd dan bob'],
  [[{ active: 'desc' }, { internalOrder: 'asc' }], 'Éva Ada Cyd bob dan'],
  [[{ city: 'asc' }, { active: 'desc' }], 'Éva Cyd Ada dan bob'],
];

for (const [orderBy, expected] of orders) {
  test(`ordered by ${JSON.stringify(orderBy) ?? 'nothing'}`, async () => assert.equal(await names({ orderBy }), expected));
}

test('text is ordered by code point, also where UTF-16 would have it otherwise', async () => {
  // The owl lies above the fullwidth tilde, but its first surrogate lies below.
  for (const label of ['🦉', 'ä', '～', 'B', 'a', '']) await app.live.newCat(`x${label}`);
  const { records } = await app.live.find('cats', { orderBy: { label: 'asc' } });
  assert.deepEqual(records.map(({ data }) => data.label), ['x', 'xB', 'xa', 'xä', 'x～', 'x🦉']);
});

// Pages.

test('without a take there is no limit in the answer', async () => {
  const { records, pagination } = await page();
  assert.equal(records.length, rows.length);
  assert.deepEqual(pagination, { hasMore: false, endCursor: made.Éva.internalOrder });
});

test('a take limits the page, says so, and tells whether there is more', async () => {
  const first = await page({ take: 2 });
  assert.equal(namesOf(first), 'Ada bob');
  assert.deepEqual(first.pagination, { hasMore: true, limit: 2, endCursor: made.bob.internalOrder });
  const whole = await page({ take: 5 });
  assert.equal(namesOf(whole), EVERYONE);
  assert.deepEqual(whole.pagination, { hasMore: false, limit: 5, endCursor: made.Éva.internalOrder });
  assert.equal((await page({ take: 100 })).pagination.limit, 100);
});

test('a page without records has no cursor', async () => {
  for (const findMany of [{ where: { name: 'nobody' } }, { skip: 5 }, { skip: 10_000 }, { after: made.Éva.internalOrder }]) {
    const { records, pagination } = await page({ ...findMany, take: 2 });
    assert.deepEqual(records, []);
    assert.deepEqual(pagination, { hasMore: false, limit: 2 });
  }
});

test('a skip leaves out the first ones of the order', async () => {
  assert.equal(await names({ skip: 3 }), 'dan Éva');
  assert.equal(await names({ skip: 1, take: 2, orderBy: { n: 'desc' } }), 'Cyd bob');
  assert.equal(await names({ skip: 0 }), EVERYONE);
});

test('a cursor goes on after its record, as a number or as digits', async () => {
  const { internalOrder } = made.bob;
  assert.equal(await names({ after: internalOrder }), 'Cyd dan Éva');
  assert.equal(await names({ after: String(internalOrder), take: 1 }), 'Cyd');
  assert.equal(await names({ after: internalOrder, orderBy: { internalOrder: 'desc' } }), 'Ada');
  assert.equal(await names({ after: internalOrder, where: { active: true } }), 'Cyd');
});

const cursors = [
  [{ score: 'desc' }, 'bob', 'Ada dan'],
  [{ score: 'asc' }, 'bob', 'Cyd Éva'],
  [{ n: 'asc' }, 'Cyd', 'Éva'],
  [{ n: 'desc' }, 'Éva', 'Cyd bob Ada dan'],
  [{ due: 'asc' }, 'dan', 'Éva'],
  [{ active: 'asc' }, 'dan', 'Ada Cyd Éva'],
  [[{ active: 'desc' }, { n: 'asc' }], 'Ada', 'Cyd dan bob'],
];

for (const [orderBy, name, expected] of cursors) {
  test(`after ${name}, ordered by ${JSON.stringify(orderBy)}`, async () => {
    assert.equal(await names({ orderBy, after: made[name].internalOrder }), expected);
  });
}

for (const orderBy of [{ score: 'asc' }, { active: 'desc' }, [{ city: 'asc' }, { due: 'desc' }]]) {
  test(`pages of one, ordered by ${JSON.stringify(orderBy)}, are the order itself`, async () => {
    const met = [];
    let after;
    do {
      const one = await page({ orderBy, take: 1, after });
      met.push(namesOf(one));
      after = one.pagination.hasMore ? one.pagination.endCursor : undefined;
    } while (after !== undefined && met.length < 10);
    assert.equal(met.join(' '), await names({ orderBy }));
  });
}

// Counts.

test('a count is a number and nothing else', async () => {
  const counted = (findMany) => tables.queryRecords({ table: 'contacts', query: { findMany } });
  assert.deepEqual(await counted({ _count: true }), { data: { _count: 5 } });
  assert.deepEqual(await counted({ _count: true, where: { active: true } }), { data: { _count: 2 } });
  assert.deepEqual(await counted({ _count: true, where: { name: 'nobody' } }), { data: { _count: 0 } });
});

// What is shown.

test('a record of a query has these parts and no others', async () => {
  const { records } = await page({ take: 1 });
  assert.deepEqual(Object.keys(records[0]).sort(), ['createdAt', 'data', 'id', 'internalOrder', 'updatedAt']);
  assert.match(records[0].id, BARE_ID);
  assert.match(records[0].createdAt, ISO_MILLISECONDS);
  assert.equal(records[0].data.cat, tom.id);
  assert.deepEqual(await read('contacts', made.Ada.id), records[0]);
});

test('a table is queried by its id as by its key', async () => {
  assert.deepEqual(await find(app.contacts.id, { take: 2 }), await page({ take: 2 }));
});

test('a select shows the fields it names', async () => {
  const select = { name: true, score: true, cat: true };
  const { records } = await page({ select, where: { cat: { not: null } } });
  assert.deepEqual(records[0].data, { name: 'Ada', score: 0.1, cat: tom.id });
  assert.equal(records[0].id, made.Ada.id);
  assert.deepEqual((await read('contacts', made.Éva.id, { select: { n: true } })).data, { n: null });
});

test('an include keeps the other fields', async () => {
  const { records } = await page({ include: { cat: true, holder: true }, take: 2 });
  const { cat, ...rest } = (await read('contacts', made.Ada.id)).data;
  const { cat: included, ...others } = records[0].data;
  assert.equal(included.data.label, 'Tom');
  assert.equal(included.id, cat);
  assert.deepEqual(others, rest);
  assert.equal(records[1].data.cat, null);
});

test('findUnique gives the record alone, or says that there is none', async () => {
  const query = { findUnique: { where: { id: made.bob.id } } };
  const { data } = await tables.queryRecords({ table: 'contacts', query });
  assert.deepEqual(Object.keys(data), ['record']);
  assert.equal(data.record.data.name, 'bob');
  assert.deepEqual((await tables.getRecord({ table: 'contacts', recordId: made.bob.id })).data, data);
  await expectRejection(tables.getRecord({ table: 'contacts', recordId: 'clunknown0000000000000000' }), NO_RECORD_FOUND);
  await expectRejection(tables.getRecord({ table: 'cats', recordId: made.bob.id }), NO_RECORD_FOUND);
});

test('a query answers 200', async () => {
  const response = await ask(key, 'contacts', { query: { findMany: {} } });
  assert.equal(response.status, 200, response.text);
});

// Includes within includes, as far as they go.

test('an include reaches three references deep and no further', async () => {
  await createTable(app.id, definition('step1', [field('label', 'TEXT')]));
  let last = await create('step1', { label: 'step1' });
  for (const depth of [2, 3, 4, 5]) {
    const next = field('next', 'REFERENCE', { referencedTable: `step${depth - 1}` });
    await createTable(app.id, definition(`step${depth}`, [field('label', 'TEXT'), next]));
    last = await create(`step${depth}`, { label: `step${depth}`, next: last.id });
  }
  const include = { next: { include: { next: { include: { next: true } } } } };
  const { records } = await find('step4', { include });
  const met = [];
  for (let step = records[0]; step; step = step.data.next) met.push(step.data.label);
  assert.deepEqual(met, ['step4', 'step3', 'step2', 'step1']);
  assert.equal((await find('step5', { include })).records[0].data.next.data.next.data.next.data.label, 'step2');

  const tooDeep = { next: { include } };
  await expectRejection(find('step5', { include: tooDeep }), GENERIC);
  await expectRejection(read('step5', last.id, { include: tooDeep }), GENERIC);
});

test('ten includes are served, eleven are not', async () => {
  const keys = Array.from({ length: 11 }, (_, n) => `ref${n}`);
  await createTable(app.id, definition('hub', keys.map((name) => field(name, 'REFERENCE', { referencedTable: 'cats' }))));
  await create('hub', Object.fromEntries(keys.map((name) => [name, tom.id])));
  const including = (some) => find('hub', { include: Object.fromEntries(some.map((name) => [name, true])) });
  const { records } = await including(keys.slice(0, 10));
  assert.equal(records[0].data.ref9.data.label, 'Tom');
  assert.equal(records[0].data.ref10, tom.id);
  await expectRejection(including(keys), GENERIC);
});
