// Looking one member up, by id or by email.

import { test } from 'node:test';
import { openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { send } from './support/http.mjs';
import { inRandomCase, newEmail, newPerson } from './support/people.mjs';

const { key, members } = (await openApp('retrieve')).sandbox;
const email = newEmail('a+b');
const { data: member } = await members.create(newPerson({ email, json: { colour: 'green' } }));

const MISS = { data: null };

test('a member is found by id and by email, the same either way', async () => {
  const byId = await members.retrieve({ id: member.id });
  const byEmail = await members.retrieve({ email });
  assert.equal(byId.data.id, member.id);
  assert.equal(byId.data.auth.email, email);
  assert.deepEqual(byEmail, byId);
});

test('a plus sign in an email is itself, escaped or not', async () => {
  assert.ok(email.includes('+'));
  for (const path of [encodeURIComponent(email), email]) {
    const response = await send('GET', `/members/${path}`, { key });
    assert.equal(response.status, 200);
    assert.equal(response.body.data?.id, member.id);
  }
});

test('an email is found in any case', async () => {
  for (const spelling of [email.toUpperCase(), inRandomCase(email)]) {
    assert.equal((await members.retrieve({ email: spelling })).data?.id, member.id);
  }
});

test('a member comes with its JSON', async () => {
  assert.deepEqual((await members.retrieve({ id: member.id })).data.json, { colour: 'green' });
  assert.deepEqual((await members.retrieve({ email })).data.json, { colour: 'green' });
});

test('a member that is not there is null, not an error', async () => {
  assert.deepEqual(await members.retrieve({ id: 'mem_sb_nobody' }), MISS);
  assert.deepEqual(await members.retrieve({ id: 'no-id-of-any-kind' }), MISS);
  assert.deepEqual(await members.retrieve({ email: newEmail('nobody') }), MISS);
});

test('an email with a space for its plus sign is another email', async () => {
  assert.deepEqual(await members.retrieve({ email: email.replace('+', ' ') }), MISS);
});

test('teams are shown only when they are asked for', async () => {
  const plain = await send('GET', `/members/${member.id}`, { key });
  const full = await send('GET', `/members/${member.id}?include=teams`, { key });
  assert.ok(!Object.hasOwn(plain.body.data, 'teams'));
  assert.ok(Object.hasOwn(full.body.data, 'teams'));
});

test('unknown query keys are ignored', async () => {
  const response = await send('GET', `/members/${member.id}?hello=world`, { key });
  assert.equal(response.body.data.id, member.id);
});

const absurdIdentifiers = ['%00', '%ff%fe', 'mem_sb_%F0%9F%92%A9', '..%2F..%2Fetc', "'%20OR%20'1'='1", '@', 'x'.repeat(10_000)];

for (const identifier of absurdIdentifiers) {
  test(`the absurd identifier ${identifier.slice(0, 20)} finds nobody and breaks nothing`, async () => {
    const response = await send('GET', `/members/${identifier}`, { key });
    if (response.status === 200) {
      assert.deepEqual(response.body, MISS);
    } else {
      assert.ok(response.status >= 400 && response.status < 500, `status ${response.status}`);
      assert.ok(response.body.code && response.body.message);
    }
  });
}
