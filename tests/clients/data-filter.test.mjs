// Filters: every operator on every type it fits, what null means to each, and how they are put together.

import { test } from 'node:test';
import assert from './support/assert.mjs';
import { newPerson } from './support/people.mjs';
import { openTables } from './support/tables.mjs';

const app = await openTables('filter');
const { members, create, update, find, count, newCat } = app.sandbox;

const tom = await newCat('Tom');
const felix = await newCat('Felix');
const { data: jane } = await members.create(newPerson());
const { data: john } = await members.create(newPerson());

const rows = [
  {
    name: 'Ada',
    email: 'ada-1',
    score: '0.1',
    n: 1,
    active: true,
    due: '2026-01-31',
    site: 'https://ada.example/one',
    mail: 'ada@example.com',
    cat: tom.id,
    holder: jane.id,
  },
  {
    name: 'bob',
    email: 'bob-1',
    score: 9.5,
    n: 2,
    active: false,
    due: '2026-02-28',
    site: 'https://bob.example/two',
    mail: 'bob@example.org',
    city: 'Bern',
    cat: tom.id,
  },
  {
    name: 'Cyd',
    score: '10',
    n: 3,
    active: true,
    due: '2026-03-31T12:00:00Z',
    mail: 'cyd@example.com',
    city: 'berlin',
    cat: felix.id,
  },
  { name: 'dan', score: -1.25, n: -4, active: false, site: 'https://dan.example/one', city: 'Zürich', holder: john.id },
  { name: 'Éva', email: 'eva-1', due: '2025-12-31T23:00:00-01:00' },
];

const made = [];
for (const row of rows) made.push(await create('contacts', row));
const [ada, bob, cyd, , eva] = made;
await update('contacts', eva.id, { city: null });

const EVERYONE = 'Ada bob Cyd dan Éva';

/** Who matches, in the order they were made; a count of the same filter must agree. */
async function matched(where) {
  const { records } = await find('contacts', { where, orderBy: { internalOrder: 'asc' } });
  assert.equal(await count('contacts', where), records.length);
  return records.map(({ data }) => data.name).join(' ');
}

const cases = {
  TEXT: [
    [{ name: 'Ada' }, 'Ada'],
    [{ name: 'ada' }, ''],
    [{ name: { equals: 'bob' } }, 'bob'],
    [{ name: { not: 'bob' } }, 'Ada Cyd dan Éva'],
    [{ name: { in: ['Ada', 'dan', 'nobody'] } }, 'Ada dan'],
    [{ name: { notIn: ['Ada', 'dan'] } }, 'bob Cyd Éva'],
    [{ name: { lt: 'a' } }, 'Ada Cyd'],
    [{ name: { lte: 'bob' } }, 'Ada bob Cyd'],
    [{ name: { gt: 'a' } }, 'bob dan Éva'],
    [{ name: { gte: 'bob' } }, 'bob dan Éva'],
    [{ name: { contains: 'd' } }, 'Ada Cyd dan'],
    [{ name: { startsWith: 'd' } }, 'dan'],
    [{ name: { endsWith: 'd' } }, 'Cyd'],
    [{ name: { endsWith: 'a' } }, 'Ada Éva'],
    [{ name: { contains: '' } }, EVERYONE],
  ],
  TEXT_FILTERABLE: [
    [{ city: 'Berlin' }, 'Ada'],
    [{ city: { not: 'Berlin' } }, 'bob Cyd dan'],
    [{ city: { in: ['Bern', 'Zürich'] } }, 'bob dan'],
    [{ city: { notIn: ['Berlin', 'Bern'] } }, 'Cyd dan'],
    [{ city: { lt: 'C' } }, 'Ada bob'],
    [{ city: { gte: 'Zürich' } }, 'Cyd dan'],
    [{ city: { contains: 'er' } }, 'Ada bob Cyd'],
    [{ city: { startsWith: 'Ber' } }, 'Ada bob'],
    [{ city: { endsWith: 'lin' } }, 'Ada Cyd'],
    [{ city: null }, 'Éva'],
    [{ city: { not: null } }, 'Ada bob Cyd dan'],
  ],
  TEXT_UNIQUE: [
    [{ email: 'ada-1' }, 'Ada'],
    [{ email: { not: 'ada-1' } }, 'bob Éva'],
    [{ email: { in: ['ada-1', 'eva-1'] } }, 'Ada Éva'],
    [{ email: { notIn: ['ada-1'] } }, 'bob Éva'],
    [{ email: { gt: 'b' } }, 'bob Éva'],
    [{ email: { contains: '-' } }, 'Ada bob Éva'],
    [{ email: { startsWith: 'eva' } }, 'Éva'],
    [{ email: { equals: null } }, 'Cyd dan'],
  ],
  EMAIL: [
    [{ mail: 'ada@example.com' }, 'Ada'],
    [{ mail: { endsWith: '.com' } }, 'Ada Cyd'],
    [{ mail: { not: 'ada@example.com' } }, 'bob Cyd'],
    [{ mail: { in: ['bob@example.org'] } }, 'bob'],
    [{ mail: null }, 'dan Éva'],
  ],
  URL: [
    [{ site: 'https://bob.example/two' }, 'bob'],
    [{ site: { endsWith: '/one' } }, 'Ada dan'],
    [{ site: { startsWith: 'https://dan' } }, 'dan'],
    [{ site: { notIn: ['https://dan.example/one'] } }, 'Ada bob'],
    [{ site: { not: null } }, 'Ada bob dan'],
  ],
  NUMBER: [
    [{ n: 2 }, 'bob'],
    [{ n: { equals: -4 } }, 'dan'],
    [{ n: { not: 1 } }, 'bob Cyd dan'],
    [{ n: { in: [1, 3, 99] } }, 'Ada Cyd'],
    [{ n: { notIn: [1, 3] } }, 'bob dan'],
    [{ n: { lt: 2 } }, 'Ada dan'],
    [{ n: { lte: 2 } }, 'Ada bob dan'],
    [{ n: { gt: 2 } }, 'Cyd'],
    [{ n: { gte: 2 } }, 'bob Cyd'],
    [{ n: null }, 'Éva'],
    [{ n: { equals: null } }, 'Éva'],
    [{ n: { not: null } }, 'Ada bob Cyd dan'],
  ],
  DECIMAL: [
    [{ score: 9.5 }, 'bob'],
    [{ score: '9.50' }, 'bob'],
    [{ score: { equals: 0.1 } }, 'Ada'],
    [{ score: { equals: '0.10000000000000001' } }, ''],
    [{ score: { not: '0.1' } }, 'bob Cyd dan'],
    [{ score: { in: ['0.1', 10] } }, 'Ada Cyd'],
    [{ score: { notIn: [10, '9.5'] } }, 'Ada dan'],
    [{ score: { lt: 0 } }, 'dan'],
    [{ score: { lte: '0.10' } }, 'Ada dan'],
    [{ score: { gt: 9.5 } }, 'Cyd'],
    [{ score: { gte: '9.5' } }, 'bob Cyd'],
    [{ score: null }, 'Éva'],
  ],
  BOOLEAN: [
    [{ active: true }, 'Ada Cyd'],
    [{ active: { equals: false } }, 'bob dan'],
    [{ active: { not: true } }, 'bob dan'],
    [{ active: { in: [true, false] } }, 'Ada bob Cyd dan'],
    [{ active: { notIn: [false] } }, 'Ada Cyd'],
    [{ active: null }, 'Éva'],
    [{ active: { not: null } }, 'Ada bob Cyd dan'],
  ],
  DATE: [
    [{ due: '2026-01-31' }, 'Ada'],
    [{ due: { equals: '2026-01-31T01:00:00+01:00' } }, 'Ada'],
    [{ due: '2026-01-01T00:00:00.000Z' }, 'Éva'],
    [{ due: { not: '2026-01-31' } }, 'bob Cyd Éva'],
    [{ due: { in: ['2026-01-31', '2026-02-28T00:00:00Z'] } }, 'Ada bob'],
    [{ due: { notIn: ['2026-01-31'] } }, 'bob Cyd Éva'],
    [{ due: { lt: '2026-01-31' } }, 'Éva'],
    [{ due: { lte: '2026-01-31' } }, 'Ada Éva'],
    [{ due: { gt: '2026-03-31' } }, 'Cyd'],
    [{ due: { gte: '2026-02-28' } }, 'bob Cyd'],
    [{ due: null }, 'dan'],
  ],
  REFERENCE: [
    [{ cat: tom.id }, 'Ada bob'],
    [{ cat: { equals: felix.id } }, 'Cyd'],
    [{ cat: { not: tom.id } }, 'Cyd'],
    [{ cat: { in: [tom.id, felix.id] } }, 'Ada bob Cyd'],
    [{ cat: { notIn: [felix.id] } }, 'Ada bob'],
    [{ cat: null }, 'dan Éva'],
    [{ cat: { not: null } }, 'Ada bob Cyd'],
  ],
  MEMBER_REFERENCE: [
    [{ holder: jane.id }, 'Ada'],
    [{ holder: { not: jane.id } }, 'dan'],
    [{ holder: { in: [jane.id, john.id] } }, 'Ada dan'],
    [{ holder: null }, 'bob Cyd Éva'],
    [{ holder: { not: null } }, 'Ada dan'],
  ],
  'what every record has': [
    [{ id: bob.id }, 'bob'],
    [{ id: { not: bob.id } }, 'Ada Cyd dan Éva'],
    [{ id: { in: [ada.id, eva.id, 'clunknown0000000000000000'] } }, 'Ada Éva'],
    [{ internalOrder: bob.internalOrder }, 'bob'],
    [{ internalOrder: { gt: cyd.internalOrder } }, 'dan Éva'],
    [{ internalOrder: { lte: cyd.internalOrder } }, 'Ada bob Cyd'],
    [{ createdAt: { gte: ada.createdAt } }, EVERYONE],
    [{ createdAt: { lt: '2020-01-01' } }, ''],
    [{ updatedAt: { gt: '2020-01-01T00:00:00Z' } }, EVERYONE],
  ],
  'mode: insensitive': [
    [{ name: { equals: 'ADA', mode: 'insensitive' } }, 'Ada'],
    [{ name: { equals: 'éVA', mode: 'insensitive' } }, 'Éva'],
    [{ name: { startsWith: 'é', mode: 'insensitive' } }, 'Éva'],
    [{ name: { contains: 'D', mode: 'insensitive' } }, 'Ada Cyd dan'],
    [{ name: { endsWith: 'B', mode: 'insensitive' } }, 'bob'],
    [{ name: { not: 'ADA', mode: 'insensitive' } }, 'bob Cyd dan Éva'],
    [{ name: { in: ['ADA', 'BOB'], mode: 'insensitive' } }, 'Ada bob'],
    [{ name: { notIn: ['ADA', 'ÉVA'], mode: 'insensitive' } }, 'bob Cyd dan'],
    [{ city: { contains: 'ÜR', mode: 'insensitive' } }, 'dan'],
    [{ city: { equals: 'BERLIN', mode: 'insensitive' } }, 'Ada Cyd'],
    [{ city: { not: 'BERLIN', mode: 'insensitive' } }, 'bob dan'],
    [{ name: { equals: 'ADA', mode: 'default' } }, ''],
  ],
  'several conditions': [
    [{}, EVERYONE],
    [{ active: true, n: { gt: 1 } }, 'Cyd'],
    [{ n: { gte: 1, lt: 3 } }, 'Ada bob'],
    [{ n: { gt: -10, not: 2, notIn: [3] } }, 'Ada dan'],
    [{ n: { in: [] } }, ''],
    [{ AND: [{ active: true }, { n: { gt: 1 } }] }, 'Cyd'],
    [{ OR: [{ n: 1 }, { n: 2 }] }, 'Ada bob'],
    [{ n: 1, OR: [{ active: true }, { active: false }] }, 'Ada'],
    [{ OR: [{ n: 1, active: false }, { name: 'Cyd', active: true }] }, 'Cyd'],
    [{ AND: [{ OR: [{ city: 'Bern' }, { NOT: { active: false } }] }, { NOT: { n: 3 } }] }, 'Ada bob'],
    [{ OR: [] }, ''],
    [{ AND: [] }, EVERYONE],
    [{ NOT: { OR: [] } }, EVERYONE],
    [{ NOT: { AND: [] } }, ''],
    [{ OR: [], AND: [] }, ''],
  ],
  'a negation with nulls about': [
    [{ NOT: { n: 1 } }, 'bob Cyd dan'],
    [{ NOT: { NOT: { n: 1 } } }, 'Ada'],
    [{ NOT: { n: null } }, 'Ada bob Cyd dan'],
    [{ NOT: { n: { not: null } } }, 'Éva'],
    [{ NOT: { n: { in: [1, 2] } } }, 'Cyd dan'],
    [{ NOT: { city: { contains: 'er' } } }, 'dan'],
    [{ NOT: { n: { gt: 1 } } }, 'Ada dan'],
    [{ NOT: { OR: [{ n: 1 }, { active: false }] } }, 'Cyd'],
    // Whoever is not Ada is told apart by the name alone, so an unknown n does not matter.
    [{ NOT: { AND: [{ n: 1 }, { name: 'Ada' }] } }, 'bob Cyd dan Éva'],
    [{ NOT: { n: 1, active: true } }, 'bob Cyd dan'],
    [{ OR: [{ n: { not: 1 } }, { name: 'Éva' }] }, 'bob Cyd dan Éva'],
  ],
};

for (const [kind, filters] of Object.entries(cases)) {
  test(`filters on ${kind}`, async (t) => {
    for (const [where, expected] of filters) {
      // Titles must be the same in every run, and ids are not.
      const title = JSON.stringify(where).replace(/"(c[0-9a-z]{24}|mem_sb_\w+)"/g, '"…"');
      await t.test(title, async () => assert.equal(await matched(where), expected));
    }
  });
}

test('a record is found by the very time that it shows', async () => {
  const { records } = await find('contacts', { where: { id: bob.id } });
  const [{ createdAt, updatedAt }] = records;
  for (const where of [{ createdAt }, { updatedAt }, { createdAt: { gte: createdAt, lte: createdAt } }]) {
    assert.equal(await count('contacts', { id: bob.id, ...where }), 1);
  }
});

// Text that means something to LIKE, GLOB, a regular expression or a text search, and nothing to us.

const { newCat: newLiveCat, find: findLive } = app.live;
const odd = ['100%', '100 percent', 'a_b', 'axb', 'a\\b', 'a*b', 'a?b', 'a[x]b', "o'b", 'a.b'];
for (const label of [...odd, 'Big red Fox', 'RED fox', 'fox']) await newLiveCat(label);

async function labelled(label) {
  const { records } = await findLive('cats', { where: { label }, orderBy: { internalOrder: 'asc' } });
  return records.map(({ data }) => data.label);
}

const literal = [
  [{ contains: '%' }, ['100%']],
  [{ startsWith: '100%' }, ['100%']],
  [{ endsWith: '%' }, ['100%']],
  [{ contains: '_' }, ['a_b']],
  [{ startsWith: 'a_' }, ['a_b']],
  [{ endsWith: '_b' }, ['a_b']],
  [{ contains: '\\' }, ['a\\b']],
  [{ endsWith: '\\b' }, ['a\\b']],
  [{ contains: '\\_' }, []],
  [{ contains: '*' }, ['a*b']],
  [{ contains: '?' }, ['a?b']],
  [{ contains: '[x]' }, ['a[x]b']],
  [{ contains: '.' }, ['a.b']],
  [{ contains: "'" }, ["o'b"]],
  [{ equals: 'a%' }, []],
  [{ contains: 'A_B', mode: 'insensitive' }, ['a_b']],
  [{ startsWith: '100%', mode: 'insensitive' }, ['100%']],
  [{ search: 'fox red' }, ['Big red Fox', 'RED fox']],
  [{ search: 'FOX' }, ['Big red Fox', 'RED fox', 'fox']],
  [{ search: '%' }, ['100%']],
  [{ search: 'fox | red' }, []],
];

for (const [condition, expected] of literal) {
  test(`labels with ${JSON.stringify(condition)}`, async () => assert.deepEqual(await labelled(condition), expected));
}
