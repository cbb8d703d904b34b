// A sandbox holds fifty members; a live environment has no such limit.

import { test } from 'node:test';
import { openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { expectError, expectErrorBody, expectPage, expectRejection } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { createMany, newPerson } from './support/people.mjs';

const LIMIT = 50;
const FULL = { code: 'test-mode-member-limit-reached' };

const { sandbox, live } = await openApp('sandbox limit');
const countOf = async ({ members }) => (await members.list({ limit: 1 })).totalCount;

test('creations at once fill a sandbox to fifty and not one more', async () => {
  await createMany(sandbox.members, LIMIT - 5);
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => sandbox.members.create(newPerson())));
  const refusals = outcomes.filter(({ status }) => status === 'rejected');
  assert.equal(refusals.length, 15);
  for (const { reason } of refusals) expectErrorBody(reason, FULL);
  expectPage(await sandbox.members.list(), { rows: LIMIT, totalCount: LIMIT, hasNextPage: false });
});

test('the fifty-first member is refused, and is not there', async () => {
  const person = newPerson();
  await expectRejection(sandbox.members.create(person), FULL);
  expectError(await send('POST', '/members', { key: sandbox.key, body: newPerson() }), 400, FULL);
  assert.deepEqual(await sandbox.members.retrieve({ email: person.email }), { data: null });
  assert.equal(await countOf(sandbox), LIMIT);
});

test('a deletion makes room for one', async () => {
  const [{ id }] = (await sandbox.members.list({ limit: 1 })).data;
  await sandbox.members.delete({ id });
  await sandbox.members.create(newPerson());
  await expectRejection(sandbox.members.create(newPerson()), FULL);
  assert.equal(await countOf(sandbox), LIMIT);
});

test('a live environment goes on past fifty', async () => {
  await createMany(live.members, LIMIT + 1);
  assert.equal(await countOf(live), LIMIT + 1);
});
