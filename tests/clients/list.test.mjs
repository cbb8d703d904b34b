// Listing: pages, cursors, order, and the odd ways in which clients ask for them.

import { test } from 'node:test';
import { openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { expectError, expectPage } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { createMany, newPerson } from './support/people.mjs';

const few = await openApp('a few members');
const { key, members } = few.sandbox;
const crowd = (await openApp('a crowd')).live;

const CROWD = 105;
const NAMES = ['first', 'second', 'third'];

const idsOf = (page) => page.data.map(({ id }) => id);
const list = async (query, options) => {
  const response = await send('GET', `/members${query}`, { key, ...options });
  assert.equal(response.status, 200, `${query}: ${response.text}`);
  return response.body;
};

/** Every page from the first to the last, as the vendor's guide walks them. */
async function walk(environment, params) {
  const pages = [];
  let after;
  do {
    const page = await environment.members.list({ ...params, after });
    pages.push(page);
    after = page.hasNextPage ? page.endCursor : undefined;
  } while (after !== undefined);
  return pages;
}

test('an app without members lists an empty page with a number to go on from', async () => {
  const page = await members.list();
  expectPage(page, { rows: 0, totalCount: 0, hasNextPage: false });
  assert.deepEqual(page.data, []);
});

test('three members', async (t) => {
  const ids = [];
  for (const name of NAMES) {
    const { data } = await members.create(newPerson({ json: { name } }));
    ids.push(data.id);
  }

  await t.test('a page of two has a next one, and the last page still has a number', async () => {
    const first = await members.list({ limit: 2 });
    expectPage(first, { rows: 2, totalCount: 3, hasNextPage: true });
    assert.deepEqual(idsOf(first), ids.slice(0, 2));
    const second = await members.list({ limit: 2, after: first.endCursor });
    expectPage(second, { rows: 1, totalCount: 3, hasNextPage: false });
    assert.deepEqual(idsOf(second), ids.slice(2));
    assert.ok(second.endCursor > first.endCursor);
  });

  await t.test('a page that ends exactly at the last member has no next one', async () => {
    expectPage(await members.list({ limit: 3 }), { rows: 3, totalCount: 3, hasNextPage: false });
  });

  await t.test('a cursor may come as a string of digits', async () => {
    const { endCursor } = await members.list({ limit: 1 });
    const next = await members.list({ limit: 1, after: String(endCursor) });
    assert.deepEqual(idsOf(next), [ids[1]]);
  });

  await t.test('a cursor past the end gives an empty page that echoes it', async () => {
    const { endCursor } = await members.list();
    const page = await members.list({ after: endCursor });
    expectPage(page, { rows: 0, totalCount: 3, hasNextPage: false });
    assert.equal(page.endCursor, endCursor);
    const far = await members.list({ after: Number.MAX_SAFE_INTEGER });
    expectPage(far, { rows: 0, totalCount: 3, hasNextPage: false });
    assert.equal(far.endCursor, Number.MAX_SAFE_INTEGER);
  });

  await t.test('the order is that of creation, or its reverse when asked for', async () => {
    assert.deepEqual(idsOf(await members.list()), ids);
    assert.deepEqual(idsOf(await members.list({ order: 'ASC' })), ids);
    assert.deepEqual(idsOf(await members.list({ order: 'DESC' })), ids.toReversed());
  });

  await t.test('an unknown order is that of creation', async () => {
    assert.deepEqual(idsOf(await list('?order=sideways')), ids);
  });

  await t.test('the reverse order is paged too', async () => {
    const pages = await walk(few.sandbox, { limit: 2, order: 'DESC' });
    assert.deepEqual(pages.flatMap(idsOf), ids.toReversed());
    assert.equal(pages.at(-1).hasNextPage, false);
  });

  await t.test('a query may begin with an ampersand', async () => {
    assert.deepEqual(idsOf(await list('?&order=DESC')), ids.toReversed());
    assert.deepEqual(idsOf(await list('?')), ids);
  });

  await t.test('"first" wins over "limit"', async () => {
    expectPage(await list('?first=1&limit=50'), { rows: 1, hasNextPage: true });
    expectPage(await list('?limit=50&first=1'), { rows: 1, hasNextPage: true });
    expectPage(await list('?limit=1'), { rows: 1, hasNextPage: true });
  });

  await t.test('the JSON body of a GET is taken and ignored', async () => {
    assert.deepEqual(idsOf(await list('', { body: { limit: 1, order: 'DESC' } })), ids);
    assert.deepEqual(idsOf(await list('', { body: '{bad' })), ids);
  });

  await t.test('unknown query keys are ignored, an email among them', async () => {
    expectPage(await list('?email=nobody%40example.com&hello=world&hello=again'), {
      rows: 3,
      totalCount: 3,
      hasNextPage: false,
    });
  });

  await t.test('rows carry their JSON only when it is asked for', async () => {
    const plain = await members.list();
    assert.ok(plain.data.every((member) => !Object.hasOwn(member, 'json')));
    const refused = await list('?includeJSON=false');
    assert.ok(refused.data.every((member) => !Object.hasOwn(member, 'json')));
    const full = await list('?includeJSON=true');
    assert.deepEqual(full.data.map(({ json }) => json), NAMES.map((name) => ({ name })));
  });

  await t.test('an answer has these four parts and no others', async () => {
    assert.deepEqual(Object.keys(await list('')).sort(), ['data', 'endCursor', 'hasNextPage', 'totalCount']);
  });

  await t.test('a cursor outlives the member it stood on, and the total follows', async () => {
    const { endCursor } = await members.list({ limit: 2 });
    await members.delete({ id: ids[1] });
    const page = await members.list({ limit: 2, after: endCursor });
    expectPage(page, { rows: 1, totalCount: 2, hasNextPage: false });
    assert.deepEqual(idsOf(page), [ids[2]]);
  });
});

test('more members than a page holds', async (t) => {
  await createMany(crowd.members, CROWD);
  const listCrowd = (query) => list(query, { key: crowd.key });

  await t.test('a page holds fifty when nothing is said', async () => {
    expectPage(await crowd.members.list(), { rows: 50, totalCount: CROWD, hasNextPage: true });
  });

  await t.test('a limit above one hundred is clamped, not refused', async () => {
    expectPage(await crowd.members.list({ limit: 100 }), { rows: 100, totalCount: CROWD, hasNextPage: true });
    expectPage(await crowd.members.list({ limit: 500 }), { rows: 100, totalCount: CROWD, hasNextPage: true });
    expectPage(await listCrowd('?limit=99999999999999999999'), { rows: 100, hasNextPage: true });
  });

  for (const limit of ['0', '-5', 'abc', 'NaN', '']) {
    await t.test(`a limit of "${limit}" is the default one`, async () => {
      expectPage(await listCrowd(`?limit=${limit}`), { rows: 50, hasNextPage: true });
      expectPage(await listCrowd(`?first=${limit}`), { rows: 50, hasNextPage: true });
    });
  }

  await t.test('walking the pages meets every member once', async () => {
    const pages = await walk(crowd, { limit: 40 });
    assert.deepEqual(pages.map(({ data }) => data.length), [40, 40, 25]);
    assert.equal(new Set(pages.flatMap(idsOf)).size, CROWD);
  });
});

const absurdCursors = ['abc', '1x', '1.5', '1e3', '0x10', 'NaN', 'null', '1%20OR%201=1', '99999999999999999999999999', '%00'];

for (const cursor of absurdCursors) {
  test(`the absurd cursor ${cursor} is refused`, async () => {
    expectError(await send('GET', `/members?after=${cursor}`, { key }), 400, { code: 'generic-message' });
  });
}
