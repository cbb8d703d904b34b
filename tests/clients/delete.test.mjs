// Deleting a member, with and without a body, once and again.

import { test } from 'node:test';
import { openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { NO_SUCH_MEMBER, expectError, expectRejection } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { newPerson } from './support/people.mjs';

const { key, members } = (await openApp('delete')).sandbox;
const person = newPerson();
const newMember = async () => (await members.create(newPerson())).data;

test('a deleted member is gone, by id, by email and from the total', async () => {
  const { data: member } = await members.create(person);
  const { totalCount } = await members.list();
  assert.deepEqual(await members.delete({ id: member.id }), { data: { id: member.id } });
  assert.deepEqual(await members.retrieve({ id: member.id }), { data: null });
  assert.deepEqual(await members.retrieve({ email: person.email }), { data: null });
  const page = await members.list();
  assert.equal(page.totalCount, totalCount - 1);
  assert.ok(page.data.every(({ id }) => id !== member.id));
});

test('the email of a deleted member can be used again, by a new member', async () => {
  const first = (await members.create(newPerson())).data;
  await members.delete({ id: first.id });
  const { data: next } = await members.create(newPerson({ email: first.auth.email }));
  assert.notEqual(next.id, first.id);
});

test('a member is deleted with the options of the vendor', async () => {
  const { id } = await newMember();
  const data = { deleteStripeCustomer: true, cancelStripeSubscriptions: true };
  assert.deepEqual(await members.delete({ id, data }), { data: { id } });
  assert.deepEqual(await members.retrieve({ id }), { data: null });
});

for (const [name, body] of [['no body', undefined], ['an empty body', ''], ['an empty object', {}]]) {
  test(`${name} is enough to delete`, async () => {
    const { id } = await newMember();
    const response = await send('DELETE', `/members/${id}`, { key, body });
    assert.equal(response.status, 200, response.text);
    assert.deepEqual(response.body, { data: { id } });
  });
}

test('deleting again is refused in the words of the vendor', async () => {
  const { id } = await newMember();
  await members.delete({ id });
  await expectRejection(members.delete({ id }), NO_SUCH_MEMBER);
  expectError(await send('DELETE', `/members/${id}`, { key }), 400, NO_SUCH_MEMBER);
  await expectRejection(members.delete({ id: 'mem_sb_nobody' }), NO_SUCH_MEMBER);
});

test('a deleted member cannot be updated', async () => {
  const { id } = await newMember();
  await members.delete({ id });
  await expectRejection(members.update({ id, data: { verified: true } }), NO_SUCH_MEMBER);
});
