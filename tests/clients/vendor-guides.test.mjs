// The vendor's guides hold: a plain axios client with the key in a header, interceptors, and a back-off on 429.

import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import axios from 'axios';
import { createFreePlan, createKey, openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { serverUrl } from './support/environment.mjs';
import { NO_SUCH_MEMBER, expectErrorBody } from './support/expect.mjs';
import { newPerson } from './support/people.mjs';
import { mostProvenInOneSecond } from './support/window.mjs';

const LIMIT = 25;
const RETRIES_MAX = 10;
const FIRST_BACKOFF_MS = 100;

const app = await openApp('vendor guides');

/** The client of the guides. It also notes every admission and every refusal for want of room. */
function client(key) {
  const seen = { admissions: [], refusals: [] };
  const api = axios.create({ baseURL: serverUrl(), headers: { 'X-API-KEY': key } });

  api.interceptors.request.use((config) => ({ ...config, sentAt: performance.now() }));
  api.interceptors.response.use(
    (response) => {
      seen.admissions.push({ sentAt: response.config.sentAt, receivedAt: performance.now() });
      return response;
    },
    async (error) => {
      const { config, response } = error;
      const attempt = config.attempt ?? 0;
      if (response?.status !== 429 || attempt === RETRIES_MAX) throw error;
      seen.refusals.push(response);
      await wait(Math.max(Number(response.headers['retry-after']) * 1000, FIRST_BACKOFF_MS * 2 ** attempt));
      return api.request({ ...config, attempt: attempt + 1 });
    },
  );
  return { api, seen };
}

test('sixty requests at once all succeed in the end, and no second admits more than twenty-five', async () => {
  const { key } = await createKey(app.id, { name: 'default limit' });
  const { api, seen } = client(key);
  const responses = await Promise.all(Array.from({ length: 60 }, () => api.get('/members', { params: { limit: 1 } })));
  assert.equal(responses.length, 60);
  assert.ok(responses.every(({ status }) => status === 200));
  assert.equal(seen.admissions.length, 60);

  assert.ok(seen.refusals.length >= 1, 'the limit was met');
  for (const { data, headers } of seen.refusals) {
    expectErrorBody(data, { code: 'generic-message' });
    assert.match(headers['retry-after'], /^[1-9]\d*$/);
    assert.equal(headers['ratelimit-limit'], String(LIMIT));
  }
  const most = mostProvenInOneSecond(seen.admissions);
  assert.ok(most <= LIMIT, `${most} requests were admitted within one second`);
});

test('a member lives its whole life through the plain client', async () => {
  const { api } = client(app.sandbox.key);
  const plan = await createFreePlan(app.id, 'Guide');
  const person = newPerson({ customFields: { 'first-name': 'Jane' }, metaData: { source: 'guide' } });

  const created = await api.post('/members', person);
  assert.equal(created.status, 200);
  const { id } = created.data.data;
  const added = await api.post(`/members/${id}/add-plan`, { planId: plan.id });
  assert.equal(added.data, 'OK');
  const found = await api.get(`/members/${encodeURIComponent(person.email)}`);
  assert.equal(found.data.data.id, id);
  assert.equal(found.data.data.planConnections[0].planId, plan.id);
  const changed = await api.patch(`/members/${id}`, { customFields: { 'first-name': 'Janet' } });
  assert.equal(changed.data.data.customFields['first-name'], 'Janet');
  const removed = await api.post(`/members/${id}/remove-plan`, { planId: plan.id });
  assert.equal(removed.data, 'OK');
  const deleted = await api.delete(`/members/${id}`, { data: { cancelStripeSubscriptions: false } });
  assert.deepEqual(deleted.data, { data: { id } });
});

test('an error reaches the response interceptor with a status, a code and a message', async () => {
  const { api } = client(app.sandbox.key);
  const error = await api.patch('/members/mem_sb_nobody', { verified: true }).catch((refusal) => refusal);
  assert.equal(error.response?.status, 400);
  expectErrorBody(error.response.data, NO_SUCH_MEMBER);
});

test('pages are walked with the cursor in the query', async () => {
  const { api } = client(app.live.key);
  const emails = [];
  for (let n = 0; n < 5; n += 1) {
    const { data } = await api.post('/members', newPerson());
    emails.push(data.data.auth.email);
  }
  const met = [];
  let page = { endCursor: undefined };
  do {
    const response = await api.get('/members', { params: { limit: 2, after: page.endCursor } });
    page = response.data;
    met.push(...page.data.map(({ auth }) => auth.email));
  } while (page.hasNextPage);
  assert.deepEqual(met, emails);
});
