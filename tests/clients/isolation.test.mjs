// The key picks the app and the environment; nothing is seen or touched across that line.

import { test } from 'node:test';
import { createFreePlan, openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { NO_SUCH_MEMBER, expectPage, expectRejection } from './support/expect.mjs';
import { newPerson } from './support/people.mjs';

const app = await openApp('isolation');
const neighbour = await openApp('isolation, next door');
const free = await createFreePlan(app.id, 'Free');

const person = newPerson({ metaData: { whose: 'sandbox' } });
const { data: member } = await app.sandbox.members.create(person);
const strangers = { 'the live key': app.live, "another app's key": neighbour.sandbox };

for (const [name, { members }] of Object.entries(strangers)) {
  test(`${name} does not see a sandbox member`, async () => {
    expectPage(await members.list(), { rows: 0, totalCount: 0, hasNextPage: false });
    assert.deepEqual(await members.retrieve({ id: member.id }), { data: null });
    assert.deepEqual(await members.retrieve({ email: person.email }), { data: null });
  });

  test(`${name} cannot change or delete a sandbox member`, async () => {
    const { id } = member;
    await expectRejection(members.update({ id, data: { verified: true } }), NO_SUCH_MEMBER);
    await expectRejection(members.addFreePlan({ id, data: { planId: free.id } }));
    await expectRejection(members.delete({ id }), NO_SUCH_MEMBER);
    const { data } = await app.sandbox.members.retrieve({ id });
    assert.equal(data.verified, false);
    assert.deepEqual(data.planConnections, []);
  });
}

test('the same email is one member in each environment', async () => {
  const { data: twin } = await app.live.members.create(newPerson({ email: person.email, metaData: { whose: 'live' } }));
  assert.match(member.id, /^mem_sb_/);
  assert.match(twin.id, /^mem_(?!sb_)/);
  const { email } = person;
  assert.equal((await app.sandbox.members.retrieve({ email })).data.metaData.whose, 'sandbox');
  assert.equal((await app.live.members.retrieve({ email })).data.metaData.whose, 'live');
  await app.live.members.delete({ id: twin.id });
  assert.equal((await app.sandbox.members.retrieve({ email })).data.id, member.id);
});

test("an app's plans serve both of its environments", async () => {
  const plans = [{ planId: free.id }];
  for (const { members } of [app.sandbox, app.live]) {
    const { data } = await members.create(newPerson({ plans }));
    assert.equal(data.planConnections[0].planId, free.id);
  }
});
