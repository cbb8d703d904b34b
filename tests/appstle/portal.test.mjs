// Links to the customer portal: operations 42 to 44 of the wire contract and its case 60, and the pages they lead to, as
// plain HTTP.

import { test } from 'node:test';
import assert from '../clients/support/assert.mjs';
import { guildhallJson } from '../clients/support/command.mjs';
import { serverUrl } from '../clients/support/environment.mjs';
import { secret } from '../clients/support/ledger.mjs';
import { call, expectBadKey, expectErrorKey, expectProblem, expectStatus } from './support/call.mjs';
import { contractsOf } from './support/contracts.mjs';
import { openStore } from './support/store.mjs';

const store = await openStore('portal');
const elsewhere = await openStore('portal-elsewhere');
const { ask, create, external, queue } = contractsOf(store);
const foreign = contractsOf(elsewhere);

const MAGIC = 'subscription-contracts-email-magic-link';

/** The token in a link, and the path that the link leads to on the server under test. */
function opened(link) {
  const { pathname, searchParams } = new URL(link);
  assert.equal(pathname, '/portal');
  return secret(searchParams.get('token'));
}

/** A request as a browser with this token makes it; redirects are not followed. */
const browse = (token, path, { method = 'GET', body } = {}) =>
  fetch(`${serverUrl()}${path}`, {
    method, body, redirect: 'manual', headers: { Cookie: `guildhall_portal=${token}`, 'Sec-Fetch-Site': 'same-origin' },
  });

async function page(token, path = '/portal') {
  const response = await browse(token, path);
  assert.equal(response.status, 200);
  return response.text();
}

async function press(token, path, fields = {}) {
  const mark = (await page(token)).match(/name="mark" value="([0-9a-f]+)"/)[1];
  return browse(token, path, { method: 'POST', body: new URLSearchParams({ mark, ...fields }) });
}

test('F60 a portal token wants one of customerId and email', async () => {
  const { customer } = await create();
  const email = `c${customer}@example.com`;
  expectProblem(await ask('customer-portal-token'), 400);
  expectProblem(await ask('customer-portal-token', { customerId: customer, email }), 400);
  expectProblem(await ask('customer-portal-token', { customerId: 'one' }), 400);
  for (const query of [{ customerId: customer }, { email }]) {
    const response = await ask('customer-portal-token', query);
    expectStatus(response, 200);
    assert.deepEqual(Object.keys(response.body).sort(), ['customerId', 'token']);
    assert.equal(response.body.customerId, customer);
    assert.match(secret(response.body.token), /^[0-9a-f]{64}$/);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.ok((await page(response.body.token)).includes(email));
  }
});

test('42 a link to the portal, and until when it works', async () => {
  const { customer } = await create();
  const response = await ask(`manage-subscription-link/${customer}`);
  expectStatus(response, 200);
  assert.deepEqual(Object.keys(response.body).sort(), ['manageSubscriptionLink', 'tokenExpirationTime']);
  const minutes = (Date.parse(response.body.tokenExpirationTime) - Date.now()) / 60_000;
  assert.ok(minutes > 118 && minutes <= 120, `${minutes}`);
  const token = opened(response.body.manageSubscriptionLink);
  const first = await fetch(`${serverUrl()}/portal?token=${token}`, { redirect: 'manual' });
  assert.deepEqual([first.status, first.headers.get('location'), first.headers.get('referrer-policy')], [303, '/portal', 'no-referrer']);
  assert.match(first.headers.get('set-cookie'), /^guildhall_portal=[0-9a-f]{64}; Path=\/portal; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
  assert.ok((await page(token)).includes('20.00 USD every month'));
});

test('43 a link by mail', async () => {
  const { customer } = await create();
  const address = `c${customer}@example.com`;
  const response = await ask(MAGIC, { email: address });
  expectStatus(response, 200);
  assert.equal(response.text, 'Email triggered successfully.');
  const mails = await guildhallJson('mail', 'list', '--app', store.id, '--env', 'sandbox');
  const mail = mails.find(({ to }) => to === address);
  const token = opened(mail.text.match(/https?:\/\/\S+/)[0]);
  assert.ok((await page(token)).includes(address));
  expectErrorKey(await ask(MAGIC, { email: 'nobody@example.com' }), 'invalidCustomer');
  expectProblem(await ask(MAGIC), 400);
});

test('unknown customers, and those of another store, are alike', async () => {
  const { customer } = await foreign.create({ customerId: 700_001 });
  for (const response of [
    await ask(`manage-subscription-link/${customer}`), await ask('manage-subscription-link/4711'),
    await ask('customer-portal-token', { customerId: customer }), await ask('customer-portal-token', { email: `c${customer}@example.com` }),
    await ask(MAGIC, { email: `c${customer}@example.com` }),
  ]) {
    expectErrorKey(response, 'invalidCustomer');
  }
  expectBadKey(await call('GET', 'manage-subscription-link/4711', { key: 'apst_wrong' }));
});

test('a member pauses, resumes, skips and cancels; the log says where', async () => {
  const { id, customer } = await create();
  const token = secret((await ask('customer-portal-token', { customerId: customer })).body.token);
  const status = async () => (await external(id)).status;
  for (const [verb, becomes] of [['pause', 'PAUSED'], ['resume', 'ACTIVE']]) {
    assert.equal((await press(token, `/portal/contracts/${id}/${verb}`)).status, 303);
    assert.equal(await status(), becomes);
  }
  const [{ id: charge }] = await queue(id);
  for (const [verb, becomes] of [['skip', 'SKIPPED'], ['unskip', 'QUEUED']]) {
    assert.equal((await press(token, `/portal/charges/${charge}/${verb}`)).status, 303);
    assert.equal((await queue(id)).find((attempt) => attempt.id === charge).status, becomes);
  }
  assert.equal((await press(token, `/portal/contracts/${id}/cancel`, { reason: 'OTHER', note: 'Bye' })).status, 303);
  assert.equal(await status(), 'CANCELLED');
  const log = await ask('activity-logs', { 'entityId.equals': id, 'eventSource.equals': 'CUSTOMER_PORTAL' });
  assert.deepEqual(
    log.body.map(({ eventType }) => eventType),
    ['CONTRACT_CANCELLED', 'BILLING_ATTEMPT_UNSKIPPED', 'BILLING_ATTEMPT_SKIPPED', 'CONTRACT_ACTIVATED', 'CONTRACT_PAUSED'],
  );
});

test("another's membership is not there, and no link is no way in", async () => {
  const [own, other, theirs] = [await create(), await create(), await foreign.create()];
  const token = secret((await ask('customer-portal-token', { customerId: own.customer })).body.token);
  for (const { id } of [other, theirs]) {
    assert.equal((await press(token, `/portal/contracts/${id}/pause`)).status, 404);
    assert.equal((await browse(token, `/portal/contracts/${id}/cancel`)).status, 404);
  }
  assert.equal((await browse('0'.repeat(64), '/portal')).status, 401);
  assert.equal((await press(token, '/portal/sign-out')).status, 200);
  assert.equal((await browse(token, '/portal')).status, 410);
});
