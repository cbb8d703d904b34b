// The same contract through both dialects tells the same story, by the table in docs/contracts.md, at every step of its life.
// Time is moved by the sandbox's clock.

import { test } from 'node:test';
import assert from '../clients/support/assert.mjs';
import { call, expectStatus } from './support/call.mjs';
import { contractsOf, managed, membersOf } from './support/contracts.mjs';
import { openStore } from './support/store.mjs';

const store = await openStore('story');
const { key, shop } = store;
const { ask, put, create, external, row, past, setStatus } = contractsOf(store);
const manage = await managed(store.id);
const { get: member } = await membersOf(store.id);

const plans = [
  { frequencyName: 'Monthly', billingFrequencyInterval: 'MONTH', billingFrequencyCount: 1, price: 20, freeTrialEnabled: true, freeTrialCount: 10, freeTrialInterval: 'DAY' },
  { frequencyName: 'Monthly, at once', billingFrequencyInterval: 'MONTH', billingFrequencyCount: 1, price: 20 },
];
const made = await call('POST', 'subscription-groups', { key, json: { groupName: 'Gold', subscriptionPlans: plans } });
expectStatus(made, 201);
const [withTrial, withoutTrial] = made.body.subscriptionPlans.map(({ variantId }) => variantId);

const { data: frozen } = await manage('POST', 'clock/freeze', {});
let now = Date.parse(frozen.now);
const iso = (ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const DAY = 86_400_000;

async function advance(days) {
  await manage('POST', 'clock/advance', { days });
  now += days * DAY;
}

const begin = (over) => create({ lines: [{ variantId: withTrial, quantity: 1 }], nextBillingDate: iso(now + 10 * DAY), ...over });
const beginAtOnce = (over) => begin({ lines: [{ variantId: withoutTrial, quantity: 1 }], ...over });

/** What both dialects say of the contract now: Appstle's status first, then Memberstack's, and whether it may be used. */
async function expectStory({ id, customer }, [status, connectionStatus, active], last) {
  const [object, shown, item, holder, standing] = [
    await external(id), await row(id), (await ask(`membership-contracts/${id}`, { shop })).body,
    await member(`c${customer}@example.com`), (await ask('membership-status', { shop, customerId: customer })).body,
  ];
  const [connection, ...others] = holder.planConnections;
  assert.deepEqual(others, []);
  assert.deepEqual(
    { object: object.status, row: shown.status, item: item.status, standing: standing.status, connection: connection.status },
    { object: status, row: status.toLowerCase(), item: status, standing: status, connection: connectionStatus },
  );
  assert.deepEqual(
    { item: item.active, standing: [standing.active, standing.isMember], connection: connection.active },
    { item: active, standing: [active, active], connection: active },
  );
  const { payment } = connection;
  const words = { SUCCEEDED: 'PAID', FAILED: 'FAILED' };
  assert.equal(object.lastPaymentStatus, last ?? null);
  assert.equal(payment.status, words[object.lastPaymentStatus] ?? null);
  assert.deepEqual([payment.amount, payment.currency.toUpperCase()], [item.amount, item.currencyCode]);
  assert.equal(shown.contractAmount, payment.amount);
  const seconds = (date) => date && Date.parse(date) / 1000;
  assert.equal(payment.nextBillingDate, status === 'ACTIVE' ? seconds(object.nextBillingDate) : null);
  assert.equal(shown.nextBillingDate, object.nextBillingDate);
  assert.equal(standing.contractId, id);
  const ended = ['CANCELLED', 'EXPIRED', 'FAILED'].includes(status);
  assert.equal(payment.cancelAtDate === null, !ended);
  assert.equal(shown.endsAt === null, !ended);
  if (ended) assert.equal(payment.cancelAtDate, seconds(shown.endsAt));
  assert.equal(item.accessUntil, standing.accessUntil);
  if (item.accessUntil) assert.ok(Date.parse(item.accessUntil) >= now, item.accessUntil);
  assert.equal(shown.dunning, status === 'ACTIVE' && connectionStatus === 'REQUIRES_PAYMENT');
  const decided = (await past(id)).filter((attempt) => ['SUCCESS', 'FAILURE', 'SECURITY_CHALLENGE'].includes(attempt.status));
  assert.equal(decided.length === 0, last === undefined);
}

test('trial, paid, paused, lapsed, resumed, paid, cancelled, over', async (context) => {
  const contract = await begin();
  const says = (name, story, last) => context.test(name, () => expectStory(contract, story, last));
  await says('created in trial', ['ACTIVE', 'TRIALING', true]);
  await advance(11);
  await says('charged', ['ACTIVE', 'ACTIVE', true], 'SUCCEEDED');
  expectStatus(await setStatus(contract.id, 'PAUSED'), 204);
  await says('paused, what was paid lasts', ['PAUSED', 'ACTIVE', true], 'SUCCEEDED');
  await advance(40);
  await says('paused, what was paid has run out', ['PAUSED', 'REQUIRES_PAYMENT', false], 'SUCCEEDED');
  expectStatus(await setStatus(contract.id, 'ACTIVE'), 204);
  await says('resumed', ['ACTIVE', 'ACTIVE', true], 'SUCCEEDED');
  await advance(40);
  expectStatus(await setStatus(contract.id, 'CANCELLED'), 204);
  await says('cancelled, what was paid lasts', ['CANCELLED', 'CANCELED', true], 'SUCCEEDED');
  expectStatus(await setStatus(contract.id, 'ACTIVE'), 204);
  await says('taken up again', ['ACTIVE', 'ACTIVE', true], 'SUCCEEDED');
  expectStatus(await setStatus(contract.id, 'CANCELLED'), 204);
  await advance(40);
  await says('after the end of what was paid', ['CANCELLED', 'CANCELED', false], 'SUCCEEDED');
  expectStatus(await setStatus(contract.id, 'ACTIVE'), 400);
});

test('charges fail until it is ended', async (context) => {
  const contract = await beginAtOnce({ paymentMethodId: 'fake_declined_from_3rd_renewal' });
  const says = (name, story, last) => context.test(name, () => expectStory(contract, story, last));
  await says('runs before its first charge', ['ACTIVE', 'ACTIVE', true]);
  await advance(11);
  await says('charged', ['ACTIVE', 'ACTIVE', true], 'SUCCEEDED');
  while ((await external(contract.id)).lastPaymentStatus === 'SUCCEEDED') await advance(1);
  await says('a charge failed and is tried again', ['ACTIVE', 'REQUIRES_PAYMENT', true], 'FAILED');
  expectStatus(await setStatus(contract.id, 'PAUSED'), 204);
  await says('paused beyond what was paid', ['PAUSED', 'REQUIRES_PAYMENT', false], 'FAILED');
  expectStatus(await setStatus(contract.id, 'ACTIVE'), 204);
  await says('resumed: the next period will be charged', ['ACTIVE', 'ACTIVE', true], 'FAILED');
  await advance(50);
  await says('ended because no charge succeeded', ['CANCELLED', 'CANCELED', false], 'FAILED');
});

test('it runs its term', async (context) => {
  const contract = await beginAtOnce({ maxCycles: 2 });
  const says = (name, story, last) => context.test(name, () => expectStory(contract, story, last));
  await advance(11);
  await says('the first of two', ['ACTIVE', 'ACTIVE', true], 'SUCCEEDED');
  await advance(31);
  await says('expired, what was paid lasts', ['EXPIRED', 'CANCELED', true], 'SUCCEEDED');
  await advance(32);
  await says('expired, and over', ['EXPIRED', 'CANCELED', false], 'SUCCEEDED');
});

test('the bank wants its customer to confirm', async (context) => {
  const contract = await beginAtOnce({ paymentMethodId: 'fake_needs_authentication' });
  await advance(11);
  await context.test('it rests', () => expectStory(contract, ['PAUSED', 'REQUIRES_AUTHENTICATION', false], 'FAILED'));
  assert.equal((await row(contract.id)).pausedBySecurityChallenge, true);
});

test('cancelled in its trial, and made to rest', async (context) => {
  const contract = await begin();
  const resting = await begin({ status: 'PAUSED' });
  expectStatus(await setStatus(contract.id, 'CANCELLED'), 204);
  const says = (name, story) => context.test(name, () => expectStory(contract, story));
  await says('the trial lasts', ['CANCELLED', 'CANCELED', true]);
  await context.test('made to rest', () => expectStory(resting, ['PAUSED', 'REQUIRES_PAYMENT', false]));
  await advance(11);
  await says('the trial is over', ['CANCELLED', 'CANCELED', false]);
});

test('another price is the same price in both', async (context) => {
  const contract = await beginAtOnce();
  expectStatus(await put('subscription-contracts-add-discount', { contractId: contract.id, percentage: 25 }), 200);
  await context.test('reduced', () => expectStory(contract, ['ACTIVE', 'ACTIVE', true]));
  assert.equal((await member(`c${contract.customer}@example.com`)).planConnections[0].payment.amount, 15);
});
