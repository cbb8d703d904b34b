// Creating members: what a new one looks like, and that a refused one leaves nothing behind.

import { test } from 'node:test';
import { createAdminOnlyPlan, createFreePlan, createPaidPlan, openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { expectError, expectRejection } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { inRandomCase, newEmail, newPassword, newPerson } from './support/people.mjs';

const app = await openApp('create');
const { key, members } = app.sandbox;
const free = await createFreePlan(app.id, 'Free');
const second = await createFreePlan(app.id, 'Second');
const paid = await createPaidPlan(app.id, 'Paid');
const adminOnly = await createAdminOnlyPlan(app.id, 'By hand only');

/** The call is refused so, no member is counted more, and the email, if there is one, is still free. */
async function expectNothingCreated(person, expected) {
  const { totalCount } = await members.list({ limit: 1 });
  await expectRejection(members.create(person), expected);
  assert.equal((await members.list({ limit: 1 })).totalCount, totalCount);
  if (person.email) assert.deepEqual(await members.retrieve({ email: person.email }), { data: null });
}

test('a member needs no more than an email and a password', async () => {
  const person = newPerson();
  const startedAt = Date.now();
  const response = await send('POST', '/members', { key, body: person });
  assert.equal(response.status, 200);
  const { id, createdAt, json, ...rest } = response.body.data;
  assert.match(id, /^mem_sb_[0-9A-Za-z]+$/);
  assert.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  assert.ok(Math.abs(Date.parse(createdAt) - startedAt) < 10_000);
  assert.deepEqual(rest, {
    auth: { email: person.email },
    verified: false,
    metaData: {},
    customFields: {},
    permissions: [],
    planConnections: [],
    loginRedirect: null,
    profileImage: null,
    stripeCustomerId: null,
    lastLogin: null,
  });
});

test('a live member has a live id', async () => {
  const { data } = await app.live.members.create(newPerson());
  assert.match(data.id, /^mem_(?!sb_)[0-9A-Za-z]+$/);
});

test('an answer never carries a password', async () => {
  const person = newPerson();
  const response = await send('POST', '/members', { key, body: person });
  assert.ok(!response.text.includes(person.password));
  assert.doesNotMatch(response.text, /argon2|"password/i);
});

test('everything given at creation is kept', async () => {
  const given = {
    customFields: { 'first-name': 'Jane', 'last-name': 'Doe' },
    metaData: { source: 'admin-api', visits: 3 },
    json: { preferences: { newsletter: true }, tags: ['a', 'b'], note: 'Zoë 🦉' },
    loginRedirect: '/dashboard',
  };
  const { data: created } = await members.create(newPerson(given));
  const { data: kept } = await members.retrieve({ id: created.id });
  for (const member of [created, kept]) {
    assert.deepEqual(member.customFields, given.customFields);
    assert.deepEqual(member.metaData, given.metaData);
    assert.equal(member.loginRedirect, given.loginRedirect);
  }
  assert.deepEqual(kept.json, given.json);
});

test('custom fields that the app does not have are dropped', async () => {
  const { data } = await members.create(newPerson({ customFields: { 'first-name': 'Jane', nope: 'x' } }));
  assert.deepEqual(data.customFields, { 'first-name': 'Jane' });
});

test('a plan given at creation is an active free connection', async () => {
  const { data } = await members.create(newPerson({ plans: [{ planId: free.id }] }));
  assert.equal(data.planConnections.length, 1);
  const [{ id, ...connection }] = data.planConnections;
  assert.match(id, /^con_/);
  assert.deepEqual(connection, {
    active: true,
    status: 'ACTIVE',
    planId: free.id,
    planName: 'Free',
    type: 'FREE',
    payment: null,
  });
  assert.deepEqual((await members.retrieve({ id: data.id })).data.planConnections, data.planConnections);
});

test('several plans may be given, those restricted to admins among them', async () => {
  const plans = [free, second, adminOnly].map(({ id }) => ({ planId: id }));
  const { data } = await members.create(newPerson({ plans }));
  const held = data.planConnections.map(({ planId }) => planId).sort();
  assert.deepEqual(held, plans.map(({ planId }) => planId).sort());
});

test('an unknown plan leaves no member behind, and the email stays free', async () => {
  const person = newPerson({ plans: [{ planId: free.id }, { planId: 'pln_unknown-00000000' }] });
  await expectNothingCreated(person, { code: 'plan-not-found' });
  const { data } = await members.create({ ...person, plans: [{ planId: free.id }] });
  assert.equal(data.planConnections.length, 1);
});

test('a paid plan cannot be given away', async () => {
  await expectNothingCreated(newPerson({ plans: [{ planId: paid.id }] }), { code: 'plan-not-free' });
  await expectNothingCreated(newPerson({ plans: [{ planId: free.id }, { planId: paid.id }] }), { code: 'plan-not-free' });
});

test("another app's plan is an unknown one", async () => {
  const other = await openApp('create, next door');
  const theirs = await createFreePlan(other.id, 'Theirs');
  await expectNothingCreated(newPerson({ plans: [{ planId: theirs.id }] }), { code: 'plan-not-found' });
});

test('an email is taken in whichever case it is spelled', async () => {
  const person = newPerson();
  const { data: first } = await members.create(person);
  const { totalCount } = await members.list({ limit: 1 });
  for (const email of [person.email, person.email.toUpperCase(), inRandomCase(person.email)]) {
    await expectRejection(members.create(newPerson({ email })), { code: 'email-already-in-use' });
  }
  assert.equal((await members.list({ limit: 1 })).totalCount, totalCount);
  assert.equal((await members.retrieve({ email: person.email })).data.id, first.id);
  expectError(await send('POST', '/members', { key, body: person }), 400, { code: 'email-already-in-use' });
});

test('a password has at least eight characters', async () => {
  await expectNothingCreated(newPerson({ password: newPassword(7) }), { code: 'invalid-password-too-short' });
  const { data } = await members.create(newPerson({ password: newPassword(8) }));
  assert.match(data.id, /^mem_sb_/);
});

for (const email of ['no-at-sign', '@example.com', 'nobody@', 'two@at@example.com', 'a space@example.com']) {
  test(`"${email}" is no email`, async () => {
    const { totalCount } = await members.list({ limit: 1 });
    const response = await send('POST', '/members', { key, body: newPerson({ email }) });
    expectError(response, 400, { code: 'invalid-email' });
    assert.equal((await members.list({ limit: 1 })).totalCount, totalCount);
  });
}

test('a missing email or password is refused', async () => {
  await expectNothingCreated({ email: newEmail() }, { code: 'generic-message' });
  await expectNothingCreated({ password: newPassword() }, { code: 'generic-message' });
  await expectNothingCreated({}, { code: 'generic-message' });
});
