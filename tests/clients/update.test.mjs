// Updating a member: what is merged, what is replaced, what is refused.

import { test } from 'node:test';
import { createCustomField, openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { NO_SUCH_MEMBER, expectError, expectRejection } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { inRandomCase, newEmail, newPerson } from './support/people.mjs';

const app = await openApp('update');
const { key, members } = app.sandbox;

const newMember = async (more) => (await members.create(newPerson(more))).data;
const kept = async (id) => (await members.retrieve({ id })).data;

/** Updates, checks that the answer is what a later look-up shows, and gives it. */
async function updated(id, data) {
  const answer = await members.update({ id, data });
  assert.deepEqual(answer.data, await kept(id));
  return answer.data;
}

test('custom fields are merged, key by key', async () => {
  const { id } = await newMember({ customFields: { 'first-name': 'Jane', 'last-name': 'Doe' } });
  const member = await updated(id, { customFields: { 'first-name': 'Janet' } });
  assert.deepEqual(member.customFields, { 'first-name': 'Janet', 'last-name': 'Doe' });
});

test('a custom field may be set to null', async () => {
  const { id } = await newMember({ customFields: { 'first-name': 'Jane', 'last-name': 'Doe' } });
  const member = await updated(id, { customFields: { 'last-name': null } });
  assert.deepEqual(member.customFields, { 'first-name': 'Jane', 'last-name': null });
});

test('custom fields that the app does not have are dropped until it has them', async () => {
  const { id } = await newMember();
  const dropped = await updated(id, { customFields: { 'admin-note': 'x', 'first-name': 'Jane' } });
  assert.deepEqual(dropped.customFields, { 'first-name': 'Jane' });
  await createCustomField(app.id, 'admin-note', 'Admin note');
  const added = await updated(id, { customFields: { 'admin-note': 'x' } });
  assert.deepEqual(added.customFields, { 'first-name': 'Jane', 'admin-note': 'x' });
});

test('metadata is merged shallowly', async () => {
  const { id } = await newMember({ metaData: { kept: 'yes', nested: { a: 1, b: 2 } } });
  const { metaData } = await updated(id, { metaData: { nested: { a: 3 }, added: 'too' } });
  assert.deepEqual(metaData, { kept: 'yes', nested: { a: 3 }, added: 'too' });
});

test('metadata set to a falsy value is removed', async () => {
  const { id } = await newMember({ metaData: { a: 'a', b: 'b', c: 'c', d: 'd', kept: 'yes' } });
  const { metaData } = await updated(id, { metaData: { a: '', b: null, c: 0, d: false, never: '' } });
  assert.deepEqual(metaData, { kept: 'yes' });
});

test('JSON is replaced whole', async () => {
  const { id } = await newMember({ json: { a: 1, b: { c: 2 } } });
  assert.deepEqual((await updated(id, { json: { b: { d: 3 } } })).json, { b: { d: 3 } });
  assert.deepEqual((await updated(id, { json: {} })).json, {});
});

test('a member can be verified, and the reverse', async () => {
  const { id } = await newMember();
  assert.equal((await updated(id, { verified: true })).verified, true);
  assert.equal((await updated(id, { verified: false })).verified, false);
});

test('the profile image and the redirect after login can be set', async () => {
  const { id } = await newMember();
  const profileImage = 'https://images.example.com/jane.png';
  const member = await updated(id, { profileImage, loginRedirect: '/welcome' });
  assert.equal(member.profileImage, profileImage);
  assert.equal(member.loginRedirect, '/welcome');
});

test('only what is sent changes', async () => {
  const member = await newMember({
    customFields: { 'first-name': 'Jane' },
    metaData: { a: 'a' },
    json: { a: 1 },
    loginRedirect: '/here',
  });
  const before = await kept(member.id);
  assert.deepEqual(await updated(member.id, {}), before);
  assert.deepEqual(await updated(member.id, { verified: true }), { ...before, verified: true });
});

test('an email can be changed, and the old one is free again', async () => {
  const { id, auth } = await newMember();
  const email = newEmail('moved');
  assert.equal((await updated(id, { email })).auth.email, email);
  assert.equal((await members.retrieve({ email })).data.id, id);
  assert.deepEqual(await members.retrieve({ email: auth.email }), { data: null });
  assert.match((await newMember({ email: auth.email })).id, /^mem_sb_/);
});

test("a change to another member's email, in any case, is refused and changes nothing", async () => {
  const other = await newMember();
  const { id } = await newMember();
  const before = await kept(id);
  for (const email of [other.auth.email, inRandomCase(other.auth.email)]) {
    const data = { email, verified: true };
    await expectRejection(members.update({ id, data }), { code: 'email-already-in-use' });
  }
  assert.deepEqual(await kept(id), before);
});

test("a member's own email in another case is no collision", async () => {
  const { id, auth } = await newMember();
  const member = await updated(id, { email: auth.email.toUpperCase() });
  assert.equal(member.auth.email.toLowerCase(), auth.email.toLowerCase());
});

test('a bad email is refused and changes nothing', async () => {
  const { id } = await newMember();
  const before = await kept(id);
  await expectRejection(members.update({ id, data: { email: 'no-at-sign' } }), { code: 'invalid-email' });
  assert.deepEqual(await kept(id), before);
});

test('an unknown id is refused in the words of the vendor', async () => {
  await expectRejection(members.update({ id: 'mem_sb_nobody', data: { verified: true } }), NO_SUCH_MEMBER);
  expectError(await send('PATCH', '/members/mem_sb_nobody', { key, body: {} }), 400, NO_SUCH_MEMBER);
});

test('an email does not do as the id of an update', async () => {
  const { auth } = await newMember();
  const path = `/members/${encodeURIComponent(auth.email)}`;
  expectError(await send('PATCH', path, { key, body: { verified: true } }), 400, NO_SUCH_MEMBER);
});

test('JSON may be large, but not without end', async () => {
  const { id } = await newMember();
  const json = { text: 'x'.repeat(900_000) };
  assert.deepEqual((await updated(id, { json })).json, json);
  await expectRejection(members.update({ id, data: { json: { text: 'y'.repeat(1_200_000) } } }));
  assert.deepEqual((await kept(id)).json, json);
});
