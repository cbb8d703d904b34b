// Bad queries are answered with the documented 4xx, however they are bad, and leave everything as it was.

import { test } from 'node:test';
import assert from './support/assert.mjs';
import { expectError, expectRejection } from './support/expect.mjs';
import { BAD_VALUE, GENERIC, ask, openTables, titled } from './support/tables.mjs';

const app = await openTables('bad queries');
const { key, tables, create, find, read, newCat } = app.sandbox;

const tom = await newCat('Tom');
const bystander = await create('contacts', { name: 'Ada', n: 1, cat: tom.id, tags: [tom.id] });
const before = await read('contacts', bystander.id);

const SQL = `"; DROP TABLE data_tables; --`;

const says = (message) => ({ message });

const expectRefusedQuery = async (query, expected) => expectError(await ask(key, 'contacts', { query }), 400, expected);

const EITHER = 'Either query.findMany or query.findUnique parameter is required';
const BOTH = 'Cannot specify both query.findMany and query.findUnique';
const TAKE = 'take must be between 1 and 100';
const WHERE_ID = 'query.findUnique requires where.id';

test('a body without a query is refused', async () => {
  expectError(await ask(key, 'contacts', {}), 400, says('Query parameter is required'));
  expectError(await ask(key, 'contacts', { findMany: {} }), 400, says('Query parameter is required'));
});

const both = { findMany: {}, findUnique: { where: { id: bystander.id } } };
const unique = (more) => ({ findUnique: { where: { id: bystander.id }, ...more } });
const many = (findMany) => ({ findMany });

const branches = (length) => Array.from({ length }, (_, n) => ({ n }));
const nested = (depth) => (depth === 0 ? { n: 1 } : { NOT: nested(depth - 1) });
const relations = (length) => Object.fromEntries(Array.from({ length }, (_, n) => [`rel${n}`, true]));

const refusedQueries = [
  [{}, says(EITHER)],
  [{ findFirst: {} }, says(EITHER)],
  [both, says(BOTH)],
  [{ findUnique: {} }, says(WHERE_ID)],
  [{ findUnique: { where: {} } }, says(WHERE_ID)],
  [{ findUnique: { where: { name: 'Ada' } } }, says(WHERE_ID)],
  [{ findUnique: { where: { id: null } } }],
  [{ findUnique: { where: { id: 5 } } }],
  [{ findUnique: { where: { id: { in: [bystander.id] } } } }],
  [{ findUnique: { where: { id: bystander.id, name: 'Ada' } } }],
  [unique({ take: 1 }), GENERIC],
  [unique({ skip: 1 }), GENERIC],
  [unique({ after: 1 }), GENERIC],
  [unique({ orderBy: { n: 'asc' } }), GENERIC],
  [unique({ _count: true }), GENERIC],
  [unique({ include: { cat: true }, select: { name: true } }), GENERIC],
  [unique({ include: { nope: true } }), GENERIC],
  [unique({ include: { tags: { take: 0 } } }), says(TAKE)],
  [unique({ include: { tags: { take: 101 } } }), says(TAKE)],
  [unique({ include: { tags: { skip: 1, after: 1 } } }), GENERIC],

  ['text'],
  [[]],
  [5],
  [{ findMany: [] }],
  [{ findMany: 'text' }],
  [{ findUnique: 'text' }],

  [many({ take: 0 }), says(TAKE)],
  [many({ take: 101 }), says(TAKE)],
  [many({ take: -1 }), says(TAKE)],
  [many({ take: 1e300 }), says(TAKE)],
  [many({ take: 1.5 })],
  [many({ take: 'ten' })],
  [many({ take: {} })],
  [many({ skip: -1 }), GENERIC],
  [many({ skip: 10_001 }), GENERIC],
  [many({ skip: 1.5 }), GENERIC],
  [many({ skip: 'one' }), GENERIC],
  [many({ skip: 1, after: 1 }), GENERIC],
  [many({ after: 'x' }), GENERIC],
  [many({ after: '1 OR 1=1' }), GENERIC],
  [many({ after: 1.5 }), GENERIC],
  [many({ after: {} }), GENERIC],

  [many({ include: { cat: true }, select: { name: true } }), GENERIC],
  [many({ include: { nope: true } }), GENERIC],
  [many({ include: { name: true } }), GENERIC],
  [many({ include: { [SQL]: true } }), GENERIC],
  [many({ include: relations(200) }), GENERIC],
  [many({ include: { _count: { select: { name: true } } } }), GENERIC],
  [many({ include: { _count: { select: { nope: true } } } }), GENERIC],
  [many({ include: 'cat' })],
  [many({ include: ['cat'] })],
  [many({ select: { nope: true } }), GENERIC],
  [many({ select: { [SQL]: true } }), GENERIC],
  [many({ select: ['name'] })],

  [many({ orderBy: { nope: 'asc' } }), GENERIC],
  [many({ orderBy: { [SQL]: 'asc' } }), GENERIC],
  [many({ orderBy: { n: 'sideways' } }), GENERIC],
  [many({ orderBy: { n: `asc${SQL}` } }), GENERIC],
  [many({ orderBy: [{ n: 'asc' }, { nope: 'asc' }] }), GENERIC],
  [many({ orderBy: 'n' })],

  [many({ where: { nope: 1 } }), GENERIC],
  [many({ where: { Name: 'Ada' } }), GENERIC],
  [many({ where: { [SQL]: 1 } }), GENERIC],
  [many({ where: { constructor: 1 } }), GENERIC],
  [many({ where: { NOT: { OR: [{ nope: 1 }] } } }), GENERIC],
  [many({ where: { n: { nope: 1 } } }), GENERIC],
  [many({ where: { n: { [SQL]: 1 } } }), GENERIC],
  [many({ where: { name: { equals: 'Ada', mode: 'sideways' } } })],
  [many({ where: 'text' })],
  [many({ where: [] })],
  [many({ where: { OR: { n: 1 } } })],
  [many({ where: { AND: 'text' } })],
  [many({ where: { OR: [5] } })],

  [many({ where: { name: 5 } }), BAD_VALUE],
  [many({ where: { n: '1' } }), BAD_VALUE],
  [many({ where: { n: { gt: 1.5 } } }), BAD_VALUE],
  [many({ where: { n: { in: ['1'] } } }), BAD_VALUE],
  [many({ where: { score: 'many' } }), BAD_VALUE],
  [many({ where: { active: 'true' } }), BAD_VALUE],
  [many({ where: { due: { lt: 'tomorrow' } } }), BAD_VALUE],
  [many({ where: { cat: 5 } }), BAD_VALUE],
  [many({ where: { createdAt: 'yesterday' } }), BAD_VALUE],
  [many({ where: { name: { contains: 5 } } }), BAD_VALUE],
  [many({ where: { n: { in: 1 } } })],
  [many({ where: { n: { contains: '1' } } })],
  [many({ where: { active: { startsWith: 't' } } })],
  [many({ where: { name: { contains: null } } })],

  [many({ where: { OR: branches(51) } }), GENERIC],
  [many({ where: { OR: branches(10_000) } }), GENERIC],
  [many({ where: { AND: branches(10_000) } }), GENERIC],
  [many({ where: { AND: [{ OR: branches(26) }, { OR: branches(26) }] } }), GENERIC],
  [many({ where: { OR: branches(51) }, _count: true }), GENERIC],
  [many({ where: nested(1000) })],
];

for (const [query, expected] of refusedQueries) {
  test(`the query ${titled(query)} is refused`, () => expectRefusedQuery(query, expected));
}

test('fifty conditions are served', async () => {
  const { records } = await find('contacts', { where: { OR: branches(50) } });
  assert.equal(records.length, 1);
});

test('the SDK hands on what the server says', async () => {
  await expectRejection(find('contacts', { take: 101 }), { ...GENERIC, message: TAKE });
  await expectRejection(find('contacts', { where: { nope: 1 } }), GENERIC);
});

// SQL in values is text like any other.

test('SQL in a value is stored, found and shown as it was sent', async () => {
  const values = [SQL, `' OR '1'='1`, `'); DELETE FROM data_fields; --`, '$1', '?1', ':name', '%s', '\\'];
  for (const label of values) {
    const { id } = await newCat(label);
    assert.equal((await read('cats', id)).data.label, label);
    for (const condition of [label, { contains: label }, { startsWith: label }, { in: [label] }, { search: label }]) {
      const { records } = await find('cats', { where: { label: condition }, select: { label: true } });
      assert.deepEqual(records.map(({ data }) => data.label), [label], JSON.stringify(condition));
    }
    await tables.deleteRecord({ table: 'cats', recordId: id });
  }
});

test('after all that the tables and the one record are as they were', async () => {
  assert.deepEqual(await read('contacts', bystander.id), before);
  assert.deepEqual((await find('contacts')).records, [before]);
  assert.deepEqual((await tables.list()).data.tables.map((table) => table.key).sort(), ['cats', 'contacts']);
});
