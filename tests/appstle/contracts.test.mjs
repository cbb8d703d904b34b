// Cases 19, 30 to 36 and 44 to 46: contracts made, listed and read.

import { test } from 'node:test';
import assert from '../clients/support/assert.mjs';
import { guildhallJson } from '../clients/support/command.mjs';
import { call, expectBadKey, expectErrorKey, expectProblem, expectStatus, links } from './support/call.mjs';
import { contractsOf, inDays, membersOf, newCustomer, tail } from './support/contracts.mjs';
import { createPlan, openStore } from './support/store.mjs';

const store = await openStore('contracts-a');
const { key, shop } = store;
const { ask, put, post, draft, create, external, rows, row, setStatus, charge } = contractsOf(store);
await createPlan(store.id, 'Gold', 2900);
const [group] = (await ask('subscription-groups')).body;
const gold = group.subscriptionPlans[0].variantId;

const { addPlan } = await membersOf(store.id);

const LIST = 'subscription-contract-details';
const guide = (customerId, more = {}) => ask('membership-contracts', { shop, customerId, ...more });

/** A store with so many contracts, each of a customer's own. */
async function storeWith(name, count) {
  const fresh = await openStore(name);
  const its = contractsOf(fresh);
  const made = [];
  while (made.length < count) made.push(await its.create());
  return { ...fresh, ...its, made };
}

test('F01 the contracts of a customer, as the guide shows them', async () => {
  const { id, customer } = await create({ lines: [{ variantId: gold, quantity: 1 }], nextBillingDate: inDays(40) });
  const { status, body } = await guide(customer);
  assert.equal(status, 200);
  assert.equal(body.totalElements, 1);
  const [item] = body.content;
  assert.deepEqual(Object.keys(item).sort(), [
    'billingCycleType', 'endDate', 'id', 'membershipPlanName', 'nextBillingDate', 'startDate', 'status',
  ]);
  assert.deepEqual(
    [item.id, item.status, item.membershipPlanName, item.nextBillingDate, item.billingCycleType, item.endDate],
    [id, 'ACTIVE', 'Gold', inDays(40).slice(0, 10), 'MONTHLY', null],
  );
  assert.match(item.startDate, /^\d{4}-\d\d-\d\d$/);
});

test('F15 the same list with the key of another store', async () => {
  const other = await openStore('contracts-other');
  expectBadKey(await call('GET', 'membership-contracts', { key: other.key, query: { shop, customerId: 1 } }));
});

test('F16 F17 no shop, no customer, and numbers that are none', async () => {
  expectProblem(await ask('membership-contracts', { customerId: 1 }), 400);
  expectProblem(await ask('membership-contracts', { shop: 'notadomain', customerId: 1 }), 400);
  for (const query of [{ shop }, { shop, customerId: '' }, { shop, customerId: 'abc' }, { shop, customerId: '1.5' }]) {
    expectProblem(await ask('membership-contracts', query), 400);
    expectProblem(await ask('membership-status', query), 400);
  }
});

test('F19 a customer without memberships', async () => {
  const response = await guide(987654);
  expectStatus(response, 200);
  assert.equal(response.text, '{"content":[],"totalElements":0}');
  const { body } = await ask('membership-status', { shop, customerId: 987654 });
  assert.deepEqual([body.active, body.isMember, body.status, body.contractId], [false, false, null, null]);
});

test('the guide knows one contract, and 404 for none', async () => {
  const { id, customer } = await create();
  const { body } = await ask(`membership-contracts/${id}`, { shop });
  assert.deepEqual([body.id, body.customerId, body.amount, body.currencyCode, body.active], [id, customer, 20, 'USD', true]);
  expectProblem(await ask('membership-contracts/4711', { shop }), 404);
  expectProblem(await ask('membership-contracts/abc', { shop }), 400);
});

test('the guide pauses, resumes and cancels, by PUT and by POST', async () => {
  const { id } = await create();
  for (const method of ['PUT', 'POST']) {
    for (const [verb, status] of [['pause', 'PAUSED'], ['resume', 'ACTIVE'], ['cancel', 'CANCELLED'], ['resume', 'ACTIVE']]) {
      const response = await call(method, `membership-contracts/${id}/${verb}`, { key, query: { shop } });
      expectStatus(response, 200);
      assert.equal(response.body.status, status);
      assert.equal((await external(id)).status, status);
    }
  }
  expectProblem(await call('PUT', `membership-contracts/${id}/explode`, { key, query: { shop } }), 404);
});

test('the guide picks by status and turns pages', async () => {
  const customerId = newCustomer();
  const made = [];
  while (made.length < 3) made.push((await create({ customerId })).id);
  await setStatus(made[1], 'PAUSED');
  const ids = async (more) => (await guide(customerId, more)).body.content.map(({ id }) => id);
  assert.deepEqual(await ids({}), made);
  assert.deepEqual(await ids({ status: 'paused' }), [made[1]]);
  assert.deepEqual(await ids({ page: 1, size: 2 }), [made[2]]);
  assert.equal((await guide(customerId, { size: 1 })).body.totalElements, 3);
  expectProblem(await guide(customerId, { status: 'SLEEPING' }), 400);
});

test('F30 two of five rows, with the way to the others', async () => {
  const five = await storeWith('contracts-five', 5);
  const response = await five.ask(LIST, { page: 0, size: 2 });
  expectStatus(response, 200);
  assert.equal(response.body.length, 2);
  assert.equal(response.headers.get('x-total-count'), '5');
  const found = links(response);
  assert.deepEqual(Object.keys(found), ['next', 'last', 'first']);
  assert.equal(found.last.searchParams.get('page'), '2');
  const seen = [];
  for (let page = 0; page < 3; page += 1) seen.push(...(await five.rows({ page, size: 2, sort: 'id,asc' })));
  assert.deepEqual(seen.map(({ subscriptionContractId }) => subscriptionContractId), five.made.map(({ id }) => id));
  assert.deepEqual((await five.rows({ sort: 'id,desc' })).map(({ id }) => id), five.made.map(({ id }) => id).reverse());
});

test('a page beyond the last is empty, and leads back', async () => {
  const two = await storeWith('contracts-two', 2);
  const response = await two.ask(LIST, { page: 9, size: 2 });
  assert.deepEqual(response.body, []);
  assert.equal(response.headers.get('x-total-count'), '2');
  assert.ok(!('next' in links(response)) && 'prev' in links(response));
});

test('rows are sorted by their columns, in either spelling', async () => {
  const sorted = await storeWith('contracts-sorted', 0);
  const dates = [30, 10, 20];
  for (const days of dates) await sorted.create({ nextBillingDate: inDays(days) });
  for (const sort of ['next_billing_date,asc', 'nextBillingDate,asc']) {
    const shown = (await sorted.rows({ sort })).map(({ nextBillingDate }) => nextBillingDate);
    assert.deepEqual(shown, [...shown].sort());
  }
  expectProblem(await sorted.ask(LIST, { sort: 'shoe_size,asc' }), 400);
});

test('F34 only those of a status, in whatever case it is asked for', async () => {
  const mixed = await storeWith('contracts-mixed', 4);
  await mixed.setStatus(mixed.made[0].id, 'PAUSED');
  await mixed.setStatus(mixed.made[1].id, 'CANCELLED');
  for (const status of ['ACTIVE', 'active', 'Active']) {
    assert.deepEqual((await mixed.rows({ status })).map((row) => row.status), ['active', 'active']);
  }
  assert.deepEqual((await mixed.rows({ status: 'cancelled' })).map(({ id }) => id), [mixed.made[1].id]);
  assert.deepEqual(await mixed.rows({ status: 'dreaming' }), []);
});

test('F35 half a range of next dates is no filter, both halves are one', async () => {
  const { customer } = await create({ nextBillingDate: inDays(15) });
  const among = async (more) => (await rows({ customerId: customer, ...more })).length;
  assert.equal(await among({ fromNextDate: inDays(300) }), 1);
  assert.equal(await among({ toNextDate: inDays(1) }), 1);
  assert.equal(await among({ fromNextDate: inDays(14), toNextDate: inDays(16) }), 1);
  assert.equal(await among({ fromNextDate: inDays(16), toNextDate: inDays(17) }), 0);
});

test('F36 dates that are none are 400', async () => {
  for (const name of ['fromCreatedDate', 'toCreatedDate', 'fromUpdatedDate', 'fromNextDate', 'toNextDate']) {
    expectProblem(await ask(LIST, { [name]: '2024-13-01' }), 400);
  }
});

test('the other filters of the list', async () => {
  const about = { deliveryFirstName: 'Ada', deliveryLastName: 'Lovelace', billingIntervalType: 'WEEK', billingIntervalCount: 2 };
  const { id, customer } = await create({ ...about, lines: [{ variantId: 4242, productId: 99, quantity: 3, currentPrice: '7.50' }] });
  const meets = async (query) => (await rows({ size: 200, ...query })).some((row) => row.id === id);
  for (const query of [
    { customerId: customer }, { customerName: 'lovel' }, { customerName: `c${customer}@` }, { customerEmail: `c${customer}@example.com` },
    { subscriptionContractId: String(id).slice(0, 3) }, { variantId: 4242 }, { productId: 99 }, { billingPolicyInterval: 'week' },
    { billingPolicyInterval: 'WEEK', billingPolicyIntervalCount: 2 }, { minOrderAmount: '22.50', maxOrderAmount: '22.50' },
    { recordType: 'nonImported' }, { planType: 'non-prepaid' }, { fromCreatedDate: inDays(-1), toCreatedDate: inDays(1) },
  ]) {
    assert.ok(await meets(query), JSON.stringify(query));
  }
  for (const query of [
    { customerId: 5 }, { customerName: 'byron' }, { variantId: 4243 }, { billingPolicyInterval: 'YEAR' }, { minOrderAmount: '22.51' },
    { recordType: 'imported' }, { planType: 'prepaid' }, { fromCreatedDate: inDays(1) }, { toCreatedDate: inDays(-1) },
  ]) {
    assert.ok(!(await meets(query)), JSON.stringify(query));
  }
  for (const query of [{ customerId: 'x' }, { billingPolicyInterval: 'MOON' }, { minOrderAmount: 'much' }, { recordType: 'odd' }]) {
    expectProblem(await ask(LIST, query), 400);
  }
});

test('who holds contracts', async () => {
  const customerId = newCustomer();
  const first = await create({ customerId });
  await create({ customerId });
  const { id } = await create({ customerId });
  await setStatus(id, 'CANCELLED');
  await charge(first.id);
  const named = { email: `c${customerId}@example.com` };
  const { body } = await ask(`${LIST}/customers`, named);
  assert.equal(body.length, 1);
  const [{ activeSubscriptions, inActiveSubscriptions, lifetimeValue, customerId: shown }] = body;
  assert.deepEqual([shown, activeSubscriptions, inActiveSubscriptions, lifetimeValue], [customerId, 2, 1, 20]);
  assert.equal((await ask(`${LIST}/customers`, { ...named, activeMoreThanOneSubscription: true })).body.length, 1);
});

test('F44 an unknown contract is 404', async () => {
  const path = 'subscription-contracts/contract-external';
  expectProblem(await ask(`${path}/4711`), 404);
  expectProblem(await ask(`${path}/abc`), 400);
  expectProblem(await ask(`${path}/99999999999999999999`), 400);
});

test("F44 another store's contract is as unknown", async () => {
  const foreign = contractsOf(await openStore('contracts-foreign'));
  const { id } = await foreign.create();
  expectProblem(await ask(`subscription-contracts/contract-external/${id}`), 404);
  expectProblem(await ask(`membership-contracts/${id}`, { shop }), 404);
  assert.deepEqual(await rows({ subscriptionContractId: id }), []);
});

test('a contract has the shape of the wire contract', async () => {
  const { id, object, customer } = await create({ lines: [{ variantId: gold, quantity: 2 }] });
  assert.deepEqual(await external(id), object);
  assert.equal(object.__typename, 'SubscriptionContract');
  assert.equal(object.customer.id, `gid://shopify/Customer/${customer}`);
  assert.match(object.nextBillingDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepEqual([object.billingPolicy.interval, object.billingPolicy.intervalCount], ['MONTH', 1]);
  const [line] = object.lines.nodes;
  assert.equal(line.quantity, 2);
  assert.equal(line.variantId, `gid://shopify/ProductVariant/${gold}`);
  assert.deepEqual(line.currentPrice, { amount: '29.00', currencyCode: 'USD' });
  assert.equal(object.customerPaymentMethod.instrument.lastDigits, '4242');
});

test('a new contract is 201, with where it is', async () => {
  const response = await post(draft());
  expectStatus(response, 201);
  const id = tail(response.body.id);
  assert.equal(new URL(response.headers.get('location'), 'http://x').pathname, `/api/external/v2/subscription-contracts/contract-external/${id}`);
  assert.equal(response.headers.get('x-subscriptionapp-params'), id);
});

test('a contract without a word of its status rests', async () => {
  const response = await post(draft({ status: undefined }));
  assert.equal(response.body.status, 'PAUSED');
});

test('what a contract cannot be made of is 400 and names the field', async () => {
  for (const [over, field] of [
    [{ customerId: undefined }, 'customerId'], [{ customerId: 'abc' }, 'customerId'], [{ nextBillingDate: undefined }, 'nextBillingDate'],
    [{ nextBillingDate: 'soon' }, 'nextBillingDate'], [{ billingIntervalType: 'MOON' }, 'billingIntervalType'],
    [{ billingIntervalCount: 0 }, 'billingIntervalCount'], [{ billingIntervalType: undefined }, 'billingIntervalType'],
    [{ lines: [] }, 'lines'], [{ lines: undefined }, 'lines'], [{ lines: [7] }, 'lines[0]'], [{ status: 'EXPIRED' }, 'status'],
    [{ lines: [{ quantity: 1, currentPrice: '1.00' }] }, 'lines[0].variantId'], [{ minCycles: -1 }, 'minCycles'],
    [{ lines: [{ variantId: 7, quantity: 'x', currentPrice: '1.00' }] }, 'lines[0].quantity'],
  ]) {
    const { status, body } = await post(draft({ customerId: 55, ...over }));
    assert.deepEqual([status, body.message, body.fieldErrors?.[0].field], [400, 'error.validation', field], JSON.stringify(over));
  }
  for (const over of [
    { lines: [{ variantId: 7, quantity: 1 }] }, { lines: [{ variantId: 7, quantity: 0, currentPrice: '1.00' }] },
    { lines: [{ variantId: 7, quantity: 1, currentPrice: 'free' }] }, { lines: [{ variantId: 7, quantity: 1, currentPrice: '-1' }] },
    { currencyCode: 'doubloons' }, { deliveryPriceAmount: 'x' }, { minCycles: 5, maxCycles: 2 }, { nextBillingDate: inDays(-2) },
    { customerEmail: 'no address' }, { customerId: 0 }, { customerId: -5 }, { lines: 'x' }, { billingIntervalType: 5 },
    { deliveryCity: 5 }, { lines: [{ variantId: 7, quantity: 1, currentPrice: '99999999999999999999' }] }, { maxCycles: 1e30 },
  ]) {
    expectStatus(await post(draft({ customerId: 56, ...over })), 400);
  }
  assert.deepEqual(await rows({ customerId: 55 }), []);
});

test('a contract needs something to be charged by', async () => {
  const without = { paymentMethodId: undefined };
  expectErrorKey(await post(draft(without)), 'createSubscriptionContractError');
  const allowed = await post(draft({ ...without, createWithoutPaymentMethod: true }));
  expectStatus(allowed, 201);
  assert.equal(allowed.body.status, 'PAUSED');
});

test('delivery is paid for in the currency of the contract', async () => {
  const over = { currencyCode: 'JPY', deliveryPriceAmount: 500, lines: [{ variantId: 7, quantity: 1, currentPrice: 1000 }] };
  const { object } = await create(over);
  assert.deepEqual(object.deliveryPrice, { amount: '500', currencyCode: 'JPY' });
});

test('F45 the ids of what runs or rests', async () => {
  const customerId = newCustomer();
  const [active, paused, cancelled] = [await create({ customerId }), await create({ customerId }), await create({ customerId })];
  await setStatus(paused.id, 'PAUSED');
  await setStatus(cancelled.id, 'CANCELLED');
  const response = await ask(`subscription-customers/valid/${customerId}`);
  assert.match(response.headers.get('content-type'), /^application\/json/);
  assert.deepEqual(response.body, [active.id, paused.id]);
  const detail = (await ask(`subscription-customers-detail/valid/${customerId}`)).body;
  assert.deepEqual(detail.map(({ subscriptionContractId, status }) => [subscriptionContractId, status]), [
    [active.id, 'active'], [paused.id, 'paused'],
  ]);
  assert.deepEqual((await ask('subscription-customers/valid/987654')).body, []);
});

test('F46 an unknown customer is 200 without a body', async () => {
  const response = await ask('subscription-customers/987654');
  expectStatus(response, 200);
  assert.equal(response.text, '');
});

test('a known customer with its contracts', async () => {
  const { id, customer } = await create();
  const { body } = await ask(`subscription-customers/${customer}`);
  assert.deepEqual([body.__typename, body.id, body.productSubscriberStatus], ['Customer', `gid://shopify/Customer/${customer}`, 'ACTIVE']);
  assert.deepEqual(body.subscriptionContracts.nodes, [await external(id)]);
  assert.equal(body.subscriptionContracts.pageInfo.hasNextPage, false);
  expectStatus(await ask(`subscription-customers/sync-info/${customer}`), 200);
  expectStatus(await call('DELETE', `subscription-customers/sync-info/${customer}`, { key }), 200);
});

test('a row says what the object says', async () => {
  const { id, customer } = await create({ minCycles: 2, maxCycles: 6 });
  const shown = await row(id);
  const object = await external(id);
  assert.deepEqual(
    [shown.shop, shown.customerId, shown.status, shown.nextBillingDate, shown.minCycles, shown.maxCycles, shown.orderAmount],
    [shop, customer, 'active', object.nextBillingDate, 2, 6, 20],
  );
  const [detail] = JSON.parse(shown.contractDetailsJSON);
  assert.deepEqual([detail.quantity, detail.variantId], [1, 'gid://shopify/ProductVariant/77']);
  expectStatus(await put('subscription-contracts-update-payment-method', { contractId: id }), 200);
});

test('a free plan that was taken elsewhere is a contract without dates, and costs nothing', async () => {
  const { id: plan } = await guildhallJson('plan', 'create', '--app', store.id, '--name', 'Friends');
  const { id, customer } = await create();
  const email = `c${customer}@example.com`;
  await addPlan(email, plan);
  const { body } = await guide(customer);
  assert.deepEqual(body.content.map((item) => item.id === id), [true, false]);
  const free = body.content[1];
  assert.deepEqual([free.status, free.membershipPlanName, free.nextBillingDate, free.billingCycleType, free.endDate], ['ACTIVE', 'Friends', null, null, null]);
  assert.deepEqual((await ask(`subscription-customers/valid/${customer}`)).body, [id, free.id]);
  const shown = await row(free.id);
  assert.deepEqual([shown.orderAmount, shown.nextBillingDate, shown.billingPolicyInterval], [0, null, null]);
  assert.equal((await external(free.id)).nextBillingDate, null);
  assert.deepEqual((await ask('subscription-billing-attempts/top-orders', { contractId: free.id })).body, []);
  expectErrorKey(await setStatus(free.id, 'PAUSED'), 'contractNotBilled');
  const period = { contractId: free.id, interval: 'MONTH', intervalCount: 3 };
  expectErrorKey(await put('subscription-contracts-update-billing-interval', period), 'contractNotBilled');
  expectStatus(await setStatus(free.id, 'CANCELLED'), 204);
  assert.deepEqual((await ask(`subscription-customers/valid/${customer}`)).body, [id]);
});

test('what is not there is 404, as a problem', async () => {
  for (const path of ['subscription-contract-one-offs-by-contractId', 'customer-portal-settings/1', 'delivery-profiles/1']) {
    expectProblem(await ask(path, { customerId: 1, contractId: 1 }), 404);
  }
});

test('customers who hold contracts, page by page, with what they hold and have paid', async () => {
  const its = await storeWith('contracts-customers', 3);
  const [first, second, third] = its.made;
  await its.create({ customerId: first.customer });
  await its.create({ customerId: second.customer, status: 'PAUSED' });
  await its.charge(first.id);
  const customers = (query) => its.ask(`${LIST}/customers`, query);

  const page = await customers({ page: 0, size: 2 });
  assert.equal(page.headers.get('x-total-count'), '3');
  assert.deepEqual(Object.keys(links(page)), ['next', 'last', 'first']);
  assert.deepEqual(page.body.map((customer) => customer.customerId), [first.customer, second.customer]);
  const [rich, poor] = page.body;
  assert.deepEqual([rich.activeSubscriptions, rich.inActiveSubscriptions, rich.lifetimeValue], [2, 0, 20]);
  assert.deepEqual([poor.activeSubscriptions, poor.inActiveSubscriptions, poor.lifetimeValue], [1, 1, 0]);
  assert.equal(rich.email, `c${first.customer}@example.com`);

  assert.deepEqual((await customers({ page: 1, size: 2 })).body.map((customer) => customer.customerId), [third.customer]);
  const several = await customers({ activeMoreThanOneSubscription: true });
  assert.deepEqual([several.headers.get('x-total-count'), several.body.map((customer) => customer.customerId)], ['1', [first.customer]]);
  const found = await customers({ email: `C${second.customer}@` });
  assert.deepEqual(found.body.map((customer) => customer.customerId), [second.customer]);
});

test('a price for a whole line that cannot be the same for each of them', async () => {
  const { id, line } = await create();
  const change = (price) => put('subscription-contracts-update-line-item', { contractId: id, lineId: line, quantity: 3, price, isPricePerUnit: false });
  expectStatus(await change('10.00'), 400);
  assert.equal((await row(id)).orderAmount, 20);
  expectStatus(await change('10.02'), 200);
  assert.equal((await row(id)).orderAmount, 10.02);
});
