// Many at once for the same thing: one wins, the rest are told so.

import { test } from 'node:test';
import { createFreePlan, openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { expectErrorBody, expectPage } from './support/expect.mjs';
import { inRandomCase, newEmail, newPerson } from './support/people.mjs';

const CALLERS = 100;

const app = await openApp('race');
const { members } = app.live;
const free = await createFreePlan(app.id, 'Free');

/** Starts every call at once; gives what the winners got and what the others were told. */
async function raced(calls) {
  const outcomes = await Promise.allSettled(calls.map((call) => call()));
  return {
    won: outcomes.filter(({ status }) => status === 'fulfilled').map(({ value }) => value),
    lost: outcomes.filter(({ status }) => status === 'rejected').map(({ reason }) => reason),
  };
}

function expectAllTold(lost, count, code) {
  assert.equal(lost.length, count);
  for (const refusal of lost) expectErrorBody(refusal, { code });
}

test('of a hundred creations with one email, in any case, exactly one succeeds', async () => {
  const email = newEmail('parallel');
  const calls = Array.from({ length: CALLERS }, () => {
    const person = newPerson({ email: inRandomCase(email) });
    return () => members.create(person);
  });
  const { won, lost } = await raced(calls);
  assert.equal(won.length, 1);
  expectAllTold(lost, CALLERS - 1, 'email-already-in-use');
  const page = await members.list();
  expectPage(page, { rows: 1, totalCount: 1, hasNextPage: false });
  assert.equal(page.data[0].id, won[0].data.id);
  assert.equal((await members.retrieve({ email })).data.id, won[0].data.id);
});

test('of many additions of one plan, exactly one succeeds', async () => {
  const { data: member } = await members.create(newPerson());
  const add = () => members.addFreePlan({ id: member.id, data: { planId: free.id } });
  const { won, lost } = await raced(Array(20).fill(add));
  assert.deepEqual(won, ['OK']);
  expectAllTold(lost, 19, 'already-have-plan');
  assert.equal((await members.retrieve({ id: member.id })).data.planConnections.length, 1);
});

test('of many deletions of one member, exactly one succeeds', async () => {
  const { data: member } = await members.create(newPerson());
  const { won, lost } = await raced(Array(20).fill(() => members.delete({ id: member.id })));
  assert.deepEqual(won, [{ data: { id: member.id } }]);
  expectAllTold(lost, 19, 'generic-message');
});

test('updates at once of different keys all last', async () => {
  const { data: member } = await members.create(newPerson());
  const keys = Array.from({ length: 20 }, (_, n) => `key-${n}`);
  const { won } = await raced(keys.map((key) => () => members.update({ id: member.id, data: { metaData: { [key]: key } } })));
  assert.equal(won.length, keys.length);
  const { metaData } = (await members.retrieve({ id: member.id })).data;
  assert.deepEqual(Object.keys(metaData).sort(), keys.sort());
});
