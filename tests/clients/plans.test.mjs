// Adding and removing free plans, which answer with the text OK and not with JSON.

import { test } from 'node:test';
import { createAdminOnlyPlan, createFreePlan, createPaidPlan, openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { NO_SUCH_MEMBER, expectError, expectErrorBody, expectRejection } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { newPerson } from './support/people.mjs';

const app = await openApp('plans');
const { key, members } = app.sandbox;
const free = await createFreePlan(app.id, 'Members');
const paid = await createPaidPlan(app.id, 'Paid');
const adminOnly = await createAdminOnlyPlan(app.id, 'By hand only');

const UNKNOWN_PLAN = 'pln_unknown-00000000';

const newMember = async () => (await members.create(newPerson())).data;
const add = (id, planId) => members.addFreePlan({ id, data: { planId } });
const remove = (id, planId) => members.removeFreePlan({ id, data: { planId } });
const plansOf = async (id) => (await members.retrieve({ id })).data.planConnections.map(({ planId }) => planId);

test('a plan has an id of its kind', () => {
  for (const { id } of [free, paid, adminOnly]) assert.match(id, /^pln_/);
});

test('adding a plan resolves to exactly "OK" and connects it', async () => {
  const { id } = await newMember();
  assert.equal(await add(id, free.id), 'OK');
  const [connection] = (await members.retrieve({ id })).data.planConnections;
  const { active, status, planId, planName, type, payment } = connection;
  assert.match(connection.id, /^con_/);
  assert.deepEqual(
    { active, status, planId, planName, type, payment },
    { active: true, status: 'ACTIVE', planId: free.id, planName: 'Members', type: 'FREE', payment: null },
  );
});

test('the answers are plain text', async () => {
  const { id } = await newMember();
  for (const action of ['add-plan', 'remove-plan']) {
    const response = await send('POST', `/members/${id}/${action}`, { key, body: { planId: free.id } });
    assert.equal(response.status, 200);
    assert.equal(response.text, 'OK');
    assert.match(response.headers['content-type'], /^text\/(plain|html)/);
  }
});

test('a plan is held once', async () => {
  const { id } = await newMember();
  await add(id, free.id);
  await expectRejection(add(id, free.id), { code: 'already-have-plan' });
  assert.deepEqual(await plansOf(id), [free.id]);
  const response = await send('POST', `/members/${id}/add-plan`, { key, body: { planId: free.id } });
  expectError(response, 400, { code: 'already-have-plan' });
});

test('a paid or an unknown plan cannot be added', async () => {
  const { id } = await newMember();
  await expectRejection(add(id, paid.id), { code: 'plan-not-free' });
  await expectRejection(add(id, UNKNOWN_PLAN), { code: 'plan-not-found' });
  assert.deepEqual(await plansOf(id), []);
});

test('a plan restricted to admins can be added, by an admin', async () => {
  const { id } = await newMember();
  assert.equal(await add(id, adminOnly.id), 'OK');
  assert.deepEqual(await plansOf(id), [adminOnly.id]);
});

test('removing a plan resolves to exactly "OK" and takes it away, and it can be added again', async () => {
  const { id } = await newMember();
  await add(id, free.id);
  await add(id, adminOnly.id);
  assert.equal(await remove(id, free.id), 'OK');
  assert.deepEqual(await plansOf(id), [adminOnly.id]);
  assert.equal(await add(id, free.id), 'OK');
  assert.deepEqual((await plansOf(id)).sort(), [adminOnly.id, free.id].sort());
});

test('a plan that is not held, or not known, cannot be removed', async () => {
  const { id } = await newMember();
  await expectRejection(remove(id, free.id), { code: 'no-plan-found' });
  await expectRejection(remove(id, UNKNOWN_PLAN), { code: 'plan-not-found' });
});

test('a paid plan cannot be removed', async () => {
  const { id } = await newMember();
  const response = await send('POST', `/members/${id}/remove-plan`, { key, body: { planId: paid.id } });
  expectError(response, 400);
  assert.match(response.body.code, /^(plan-not-free|no-plan-found)$/);
});

test('an unknown member is refused in the words of the vendor', async () => {
  await expectRejection(add('mem_sb_nobody', free.id), NO_SUCH_MEMBER);
  await expectRejection(remove('mem_sb_nobody', free.id), NO_SUCH_MEMBER);
});

for (const body of ['{}', '{"planId":5}', '{"planId":null}', '[]', '{bad', '']) {
  test(`the body ${JSON.stringify(body)} names no plan`, async () => {
    const { id } = await newMember();
    for (const action of ['add-plan', 'remove-plan']) {
      const response = await send('POST', `/members/${id}/${action}`, { key, body });
      assert.equal(response.status, 400, response.text);
      expectErrorBody(response.body);
    }
    assert.deepEqual(await plansOf(id), []);
  });
}

test('a list shows the plans too', async () => {
  const { data } = await members.create(newPerson({ plans: [{ planId: free.id }] }));
  const row = (await members.list({ limit: 1, order: 'DESC' })).data[0];
  assert.equal(row.id, data.id);
  assert.deepEqual(row.planConnections, data.planConnections);
});
