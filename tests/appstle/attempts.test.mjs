// Cases 55 to 57 and 59: what is due, charged, left out and told. Events are not served yet, so nothing is said of them here.

import { test } from 'node:test';
import assert from '../clients/support/assert.mjs';
import { expectErrorKey, expectProblem, expectStatus, links } from './support/call.mjs';
import { contractsOf, inDays } from './support/contracts.mjs';
import { openStore } from './support/store.mjs';

const store = await openStore('attempts-a');
const { ask, put, create, external, queue, past, setStatus, billNow, decided, charge } = contractsOf(store);
const foreign = contractsOf(await openStore('attempts-b'));

const ATTEMPTS = 'subscription-billing-attempts';
const report = (query) => ask(`${ATTEMPTS}/past-orders/report`, query);
const act = (verb, id, query) => put(`${ATTEMPTS}/${verb}-order/${id}`, query);
const monthAfter = (iso) => {
  const date = new Date(iso);
  const day = date.getUTCDate();
  date.setUTCMonth(date.getUTCMonth() + 1);
  assert.equal(date.getUTCDate(), day, 'the day of this test is in every month');
  return `${date.toISOString().slice(0, 19)}Z`;
};

/** A date ahead whose day every month has. */
const someDay = () => `${new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 8)}15T10:00:00Z`;

test('what is due next stands in the queue', async () => {
  const { id, customer } = await create();
  const [attempt, ...more] = await queue(id);
  assert.deepEqual(more, []);
  assert.deepEqual(
    [attempt.status, attempt.contractId, attempt.billingDate, attempt.orderAmount, attempt.attemptCount],
    ['QUEUED', id, (await external(id)).nextBillingDate, 20, 0],
  );
  assert.deepEqual((await ask(`${ATTEMPTS}/top-orders`, { customerId: customer })).body, [attempt]);
  assert.deepEqual((await ask(`${ATTEMPTS}/top-orders`, { customerId: 987654 })).body, []);
  for (const path of ['top-orders', 'past-orders']) expectProblem(await ask(`${ATTEMPTS}/${path}`), 400);
  expectProblem(await ask(`${ATTEMPTS}/top-orders`, { contractId: 'x' }), 400);
});

test('F55 a period is left out, and taken back', async () => {
  const at = someDay();
  const { id } = await create({ nextBillingDate: at });
  const [attempt] = await queue(id);
  const skipped = await act('skip', attempt.id, { subscriptionContractId: id, isPrepaid: false });
  expectStatus(skipped, 200);
  assert.deepEqual([skipped.body.id, skipped.body.status, skipped.body.billingDate], [attempt.id, 'SKIPPED', at]);
  assert.equal((await external(id)).nextBillingDate, monthAfter(at));
  assert.deepEqual((await queue(id)).map(({ status, billingDate }) => [status, billingDate]), [['SKIPPED', at], ['QUEUED', monthAfter(at)]]);
  expectErrorKey(await act('skip', attempt.id), 'attemptNotQueued');
  const back = await act('unskip', attempt.id);
  expectStatus(back, 200);
  assert.equal(back.body.status, 'QUEUED');
  assert.equal((await external(id)).nextBillingDate, at);
  assert.deepEqual((await queue(id)).map(({ status, billingDate }) => [status, billingDate]), [['QUEUED', at]]);
  expectErrorKey(await act('unskip', attempt.id), 'attemptNotSkipped');
});

test('a period that was left out does not come back once the dates have moved', async () => {
  const at = someDay();
  const { id } = await create({ nextBillingDate: at });
  const [attempt] = await queue(id);
  expectStatus(await act('skip', attempt.id), 200);
  expectStatus(await put('subscription-contracts-update-billing-interval', { contractId: id, interval: 'YEAR', intervalCount: 1 }), 200);
  expectErrorKey(await act('unskip', attempt.id), 'attemptNotSkipped');
});

test('F55 the next one is left out without its id', async () => {
  const at = someDay();
  const { id } = await create({ nextBillingDate: at });
  const skipped = await put(`${ATTEMPTS}/skip-upcoming-order`, { subscriptionContractId: id });
  assert.deepEqual([skipped.status, skipped.body.status], [200, 'SKIPPED']);
  assert.equal((await external(id)).nextBillingDate, monthAfter(at));
  expectProblem(await put(`${ATTEMPTS}/skip-upcoming-order`), 400);
  expectErrorKey(await put(`${ATTEMPTS}/skip-upcoming-order`, { subscriptionContractId: 4711 }), 'idnull');
  await setStatus(id, 'CANCELLED');
  expectStatus(await put(`${ATTEMPTS}/skip-upcoming-order`, { subscriptionContractId: id }), 400);
});

test("F55 another store's attempts, and none, are alike", async () => {
  const { id } = await foreign.create();
  const [theirs] = await foreign.queue(id);
  for (const attempt of [theirs.id, 4711]) {
    for (const verb of ['skip', 'unskip']) expectErrorKey(await act(verb, attempt), 'idnull');
    expectErrorKey(await act('reschedule', attempt, { billingDate: inDays(3) }), 'idnull');
    expectErrorKey(await billNow(attempt), 'idnull');
    expectErrorKey(await put(`subscription-billing-attempts-update-order-note/${attempt}`, { orderNote: 'x' }), 'idnull');
    const body = { id: attempt, shop: store.shop, retryingNeeded: false };
    expectErrorKey(await put(ATTEMPTS, {}, body), 'idnull');
    expectErrorKey(await put(ATTEMPTS, {}, { ...body, orderNote: 'x' }), 'idnull');
  }
  expectProblem(await act('skip', 'abc'), 400);
  assert.deepEqual(await queue(id), []);
  assert.deepEqual(await foreign.queue(id), [theirs]);
});

test('a period is moved', async () => {
  const { id } = await create();
  const [attempt] = await queue(id);
  const at = inDays(25);
  const moved = await act('reschedule', attempt.id, { billingDate: at });
  assert.deepEqual([moved.status, moved.body.billingDate], [200, at]);
  assert.equal((await external(id)).nextBillingDate, at);
  expectErrorKey(await act('reschedule', attempt.id, { billingDate: inDays(-1) }), 'nextBillingDateInPast');
  expectProblem(await act('reschedule', attempt.id, { billingDate: 'soon' }), 400);
  expectProblem(await act('reschedule', attempt.id), 400);
});

test('F56 what rests is not charged', async () => {
  const { id } = await create();
  const [attempt] = await queue(id);
  await setStatus(id, 'PAUSED');
  expectErrorKey(await billNow(attempt.id), 'contractNotActive');
  assert.deepEqual(await past(id), []);
});

test('F56 what runs is charged: 200 without a body, then SUCCESS', async () => {
  const { id } = await create();
  const [attempt] = await queue(id);
  const response = await billNow(attempt.id);
  expectStatus(response, 200);
  assert.equal(response.text, '');
  const paid = await decided(id, attempt.id);
  assert.deepEqual([paid.status, paid.orderAmount, paid.attemptCount, paid.retryingNeeded], ['SUCCESS', 20, 1, false]);
  assert.match(paid.orderName, /^#\d+$/);
  assert.equal((await external(id)).lastPaymentStatus, 'SUCCEEDED');
  expectErrorKey(await billNow(attempt.id), 'attemptNotQueued');
});

test('F56 what is declined is a FAILURE that is tried again', async () => {
  const { id } = await create({ paymentMethodId: 'fake_declined' });
  const failed = await charge(id);
  assert.deepEqual([failed.status, failed.retryingNeeded, failed.orderName], ['FAILURE', true, null]);
  assert.ok(JSON.parse(failed.billingAttemptResponseMessage).error_code);
  assert.equal((await external(id)).lastPaymentStatus, 'FAILED');
  expectStatus(await billNow(failed.id), 200);
  const deadline = Date.now() + 20_000;
  const tries = async () => (await past(id)).find((one) => one.id === failed.id)?.attemptCount;
  while ((await tries()) !== 2 && Date.now() < deadline);
  assert.equal(await tries(), 2);
});

test('F57 a report is of one status', async () => {
  const [paid, declined] = [await create(), await create({ paymentMethodId: 'fake_declined' })];
  await charge(paid.id);
  await charge(paid.id);
  await charge(declined.id);
  expectProblem(await report({}), 400);
  expectProblem(await report({ status: 'SLEEPING' }), 400);
  const all = await report({ status: 'SUCCESS', size: 200 });
  expectStatus(all, 200);
  assert.deepEqual([...new Set(all.body.map(({ status }) => status))], ['SUCCESS']);
  const page = await report({ status: 'success', contractId: paid.id, size: 1 });
  assert.deepEqual([page.body.length, page.headers.get('x-total-count')], [1, '2']);
  assert.deepEqual(Object.keys(links(page)), ['next', 'last', 'first']);
  const failures = (await report({ status: 'FAILURE', size: 200 })).body.map(({ contractId }) => contractId);
  assert.ok(failures.includes(declined.id));
  assert.deepEqual((await report({ status: 'SUCCESS', contractId: 4711 })).body, []);
});

test("F57 another store's attempts stand in no report", async () => {
  const { id } = await foreign.create();
  await foreign.charge(id);
  assert.deepEqual((await report({ status: 'SUCCESS', contractId: id })).body, []);
  assert.deepEqual(await past(id), []);
});

test('F59 a note for one order', async () => {
  const { id } = await create();
  const [attempt] = await queue(id);
  const path = `subscription-billing-attempts-update-order-note/${attempt.id}`;
  const response = await put(path, { orderNote: 'ring twice' });
  expectStatus(response, 200);
  assert.equal(response.text, 'true');
  assert.equal((await queue(id))[0].orderNote, 'ring twice');
  expectProblem(await put(path), 400);
  expectStatus(await put(path, { orderNote: 'x'.repeat(1001) }), 400);
});

test('an attempt is updated by its object', async () => {
  const { id } = await create();
  const [attempt] = await queue(id);
  const updated = await put(ATTEMPTS, {}, { ...attempt, orderNote: 'by the object' });
  assert.deepEqual([updated.status, updated.body.orderNote], [200, 'by the object']);
  assert.deepEqual((await queue(id))[0], updated.body);
  expectErrorKey(await put(ATTEMPTS, {}, { ...attempt, id: undefined }), 'idnull');
  for (const over of [{ shop: undefined }, { retryingNeeded: undefined }, { shop: 5 }, { id: 'x' }, { retryingNeeded: 'x' }, { orderNote: 5 }]) {
    expectStatus(await put(ATTEMPTS, {}, { ...attempt, ...over }), 400);
  }
  expectErrorKey(await put(ATTEMPTS, {}, { ...attempt, shop: 'attempts-b.myshopify.com' }), 'idnull');
});
