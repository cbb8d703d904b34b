// A cursor through a table that others are changing meets every record that stays exactly once.

import { test } from 'node:test';
import assert from './support/assert.mjs';
import { createMany, openTables } from './support/tables.mjs';

const STAYING = 200;
const DOOMED = 100;
const PAGE = 20;
const CHANGES_PER_PAGE = 8;

const app = await openTables('paging');

const numbered = (name, count) => Array.from({ length: count }, (_, n) => ({ label: `${name} ${n}` }));
const ids = (records) => records.map(({ id }) => id);

/** Three hundred cats, those that will stay and those that will not lying among each other. */
async function fill(environment) {
  const staying = numbered('stays', STAYING);
  const doomed = numbered('goes', DOOMED);
  const mixed = staying.flatMap((cat, n) => (n % 2 === 0 ? [cat, doomed[n / 2]] : [cat]));
  const made = await createMany(environment, 'cats', mixed);
  const named = (name) => ids(made.filter(({ data }) => data.label.startsWith(name)));
  return { staying: named('stays'), doomed: named('goes') };
}

/** Inserts and deletes at once, a few of each. */
async function churn({ create, tables }, doomed, inserted) {
  const going = doomed.splice(0, CHANGES_PER_PAGE);
  const deletions = going.map((recordId) => tables.deleteRecord({ table: 'cats', recordId }));
  const insertions = numbered('came', CHANGES_PER_PAGE).map(async (cat) => inserted.push((await create('cats', cat)).id));
  await Promise.all([...deletions, ...insertions]);
}

/** Walks all the pages; `meanwhile` runs beside every one of them. */
async function walk({ find }, findMany, meanwhile = async () => {}) {
  const met = [];
  let after;
  do {
    const [{ records, pagination }] = await Promise.all([find('cats', { take: PAGE, ...findMany, after }), meanwhile()]);
    assert.ok(records.length <= PAGE);
    met.push(...records);
    after = pagination.hasMore ? pagination.endCursor : undefined;
  } while (after !== undefined);
  return met;
}

const walks = {
  'from the first to the last': [app.sandbox, { orderBy: { internalOrder: 'asc' } }],
  'from the last to the first': [app.live, { orderBy: { internalOrder: 'desc' } }],
};

for (const [name, [environment, findMany]] of Object.entries(walks)) {
  test(`three hundred records, ${name}, while others insert and delete`, async () => {
    const { staying, doomed } = await fill(environment);
    assert.equal(await environment.count('cats'), STAYING + DOOMED);
    const left = [...doomed];
    const inserted = [];
    // Every page is followed by newcomers, so a walk that chases them has to end when the doomed do.
    const meanwhile = async () => {
      if (left.length > 0) await churn(environment, left, inserted);
    };
    const met = await walk(environment, findMany, meanwhile);

    const metIds = ids(met);
    assert.equal(new Set(metIds).size, metIds.length, 'no record is met twice');
    const seen = new Set(metIds);
    assert.deepEqual(staying.filter((id) => !seen.has(id)), [], 'no record that stayed is missed');
    const known = new Set([...staying, ...doomed, ...inserted]);
    assert.deepEqual(metIds.filter((id) => !known.has(id)), []);
    assert.ok(left.length < DOOMED && inserted.length > 0, 'others did change the table meanwhile');
    const orders = met.map(({ internalOrder }) => internalOrder);
    const direction = findMany.orderBy.internalOrder === 'asc' ? 1 : -1;
    assert.deepEqual(orders, orders.toSorted((a, b) => direction * (a - b)));
  });
}

test('a cursor outlives the record that it stood on', async () => {
  const { find, tables } = app.sandbox;
  const orderBy = { internalOrder: 'asc' };
  const { records } = await find('cats', { orderBy, take: 3 });
  await tables.deleteRecord({ table: 'cats', recordId: records[1].id });
  const next = await find('cats', { orderBy, take: 1, after: records[1].internalOrder });
  assert.equal(next.records[0].id, records[2].id);
});

test('a place is never given twice, not even that of the last record deleted', async () => {
  const { newCat, tables } = app.sandbox;
  const last = await newCat('last');
  await tables.deleteRecord({ table: 'cats', recordId: last.id });
  assert.ok((await newCat('next')).internalOrder > last.internalOrder);
});

test('a page holds a hundred when nothing is said', async () => {
  const { records, pagination } = await app.sandbox.find('cats');
  assert.equal(records.length, 100);
  assert.deepEqual(pagination, { hasMore: true, endCursor: records[99].internalOrder });
});

test('pages in another order, with many ties, meet every record once', async () => {
  const { count, newCat } = app.sandbox;
  for (let n = 0; n < 2 * PAGE; n += 1) await newCat('the same');
  const met = await walk(app.sandbox, { orderBy: { label: 'desc' } });
  assert.equal(met.length, await count('cats'));
  assert.equal(new Set(ids(met)).size, met.length);
});

test('pages of a filter meet what matches and nothing else', async () => {
  const { count } = app.sandbox;
  const where = { label: { startsWith: 'stays' } };
  const met = await walk(app.sandbox, { where });
  assert.equal(met.length, await count('cats', where));
  assert.ok(met.every(({ data }) => data.label.startsWith('stays')));
});
