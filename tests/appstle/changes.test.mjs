// Cases 37 to 43 and 48 to 59: what is done with a contract. Events are not served yet, so nothing is said of them here.

import { test } from 'node:test';
import assert from '../clients/support/assert.mjs';
import { expectErrorKey, expectProblem, expectStatus } from './support/call.mjs';
import { contractsOf, inDays, managed, tail } from './support/contracts.mjs';
import { createPlan, openStore } from './support/store.mjs';

const store = await openStore('changes-a');
const { ask, put, remove, create, external, rows, row, queue, past, setStatus, charge } = contractsOf(store);
const foreign = contractsOf(await openStore('changes-b'));
const manage = await managed(store.id);

for (const [name, cents] of [['Gold', 2900], ['Silver', 900]]) await createPlan(store.id, name, cents);
const groups = (await ask('subscription-groups')).body;
const variant = (name) => groups.find(({ groupName }) => groupName === name).subscriptionPlans[0].variantId;
const [gold, silver] = [variant('Gold'), variant('Silver')];

const STATUS = 'subscription-contracts-update-status';
const INTERVAL = 'subscription-contracts-update-billing-interval';
const DATE = 'subscription-contracts-update-billing-date';
const VARIANT = 'subscription-contract-update-variant';
const ADD_DISCOUNT = 'subscription-contracts-add-discount';
const UPDATE_LINE = 'subscription-contracts-update-line-item';

const holdGold = () => create({ lines: [{ variantId: gold, quantity: 1 }] });
const downgrade = (id) => `subscription-contract-details/${id}/pending-downgrade`;

/** A date-time at an offset, for a query that encodes its plus sign. */
const atOffset = (iso, hours, minutes) =>
  `${new Date(Date.parse(iso) + (hours * 60 + minutes) * 60_000).toISOString().slice(0, 19)}+${String(hours).padStart(2, '0')}:${minutes}`;

test('F37 pausing: 204 without a body, and the row says when', async () => {
  const { id } = await create();
  const response = await put(STATUS, { contractId: id, status: 'PAUSED' });
  expectStatus(response, 204);
  assert.equal(response.text, '');
  assert.ok(response.headers.get('x-subscriptionapp-alert'));
  assert.equal(response.headers.get('x-subscriptionapp-params'), String(id));
  const paused = await row(id);
  assert.equal(paused.status, 'paused');
  assert.match(paused.pausedOn, /Z$/);
  assert.equal(paused.pausedFromActive, true);
});

test('F37 the status it has already is no change', async () => {
  const { id } = await create();
  await setStatus(id, 'PAUSED');
  const before = await row(id);
  expectStatus(await setStatus(id, 'paused'), 204);
  assert.deepEqual(await row(id), before);
  const entries = (await ask('activity-logs', { 'entityId.equals': id })).body.map(({ eventType }) => eventType);
  assert.equal(entries.length, 2, entries.join());
});

test('what was paused runs again, and what was cancelled as long as its date lies ahead', async () => {
  const { id } = await create();
  const { nextBillingDate } = await row(id);
  for (const status of ['PAUSED', 'ACTIVE', 'CANCELLED', 'ACTIVE']) {
    expectStatus(await setStatus(id, status), 204);
    assert.equal((await external(id)).status, status);
  }
  assert.equal((await row(id)).nextBillingDate, nextBillingDate);
});

test('F40 no status, none that there is, and no contract', async () => {
  const { id } = await create();
  for (const query of [
    { contractId: id }, { contractId: id, status: '' }, { contractId: id, status: 'EXPIRED' }, { contractId: id, status: 'x' },
    { status: 'PAUSED' }, { contractId: 'x', status: 'PAUSED' }, { contractId: id, status: 'PAUSED', pauseDurationCycle: -1 },
    { contractId: id, status: 'PAUSED', pauseDurationCycle: 'x' },
  ]) {
    expectProblem(await put(STATUS, query), 400);
  }
  assert.equal((await external(id)).status, 'ACTIVE');
});

test("F41 another store's contract, and none, are alike", async () => {
  const { id, line } = await foreign.create();
  for (const contractId of [id, 4711]) {
    expectErrorKey(await remove(`subscription-contracts/${contractId}`), 'idnull');
    for (const [path, query] of [
      [STATUS, { status: 'PAUSED' }], [INTERVAL, { interval: 'MONTH', intervalCount: 3 }], [DATE, { nextBillingDate: inDays(3) }],
      ['subscription-contracts-update-min-cycles', { minCycles: 2 }], ['subscription-contracts-update-max-cycles', { maxCycles: 2 }],
      ['subscription-contracts-add-line-item', { quantity: 1, variantId: gold }], [VARIANT, { newVariantId: gold }],
      [ADD_DISCOUNT, { discountType: 'PERCENTAGE', percentage: 5 }], [ADD_DISCOUNT, { discountType: 'FIXED_AMOUNT', amount: 5 }],
      ['subscription-contracts-apply-discount', { discountCode: 'X' }], ['subscription-contracts-update-payment-method', {}],
    ]) {
      expectErrorKey(await put(path, { contractId, ...query }), 'idnull');
    }
    expectErrorKey(await put(`subscription-contracts-update-order-note/${contractId}`, { orderNote: 'x' }), 'idnull');
  }
  expectStatus(await put('subscription-contracts-remove-line-item', { contractId: id, lineId: line }), 400);
  assert.equal((await foreign.external(id)).status, 'ACTIVE');
});

test('F42 the least number of cycles holds it', async () => {
  const { id } = await create({ minCycles: 3 });
  await charge(id);
  const before = await row(id);
  const response = await remove(`subscription-contracts/${id}`);
  expectErrorKey(response, 'minCyclesNotReached');
  assert.match(response.body.message, /3/);
  assert.deepEqual(await row(id), before);
  await charge(id);
  expectStatus(await remove(`subscription-contracts/${id}`), 204);
});

test('F43 cancelling, with why', async () => {
  const { id } = await create();
  const words = { cancellationFeedback: 'TOO_EXPENSIVE', cancellationNote: 'maybe later' };
  const response = await remove(`subscription-contracts/${id}`, words);
  expectStatus(response, 204);
  assert.equal(response.text, '');
  const cancelled = await row(id);
  assert.deepEqual([cancelled.status, cancelled.cancellationFeedback, cancelled.cancellationNote], ['cancelled', 'TOO_EXPENSIVE', 'maybe later']);
  assert.match(cancelled.cancelledOn, /Z$/);
  assert.deepEqual((await queue(id)).filter(({ status }) => status === 'QUEUED'), []);
  const entries = (await ask('activity-logs', { 'entityId.equals': id, 'eventType.equals': 'CONTRACT_CANCELLED' })).body;
  assert.equal(entries.length, 1);
  assert.equal(entries[0].eventSource, 'MERCHANT_EXTERNAL_API');
});

test('F43 words that are too long', async () => {
  const { id } = await create();
  for (const [name, length] of [['cancellationFeedback', 501], ['cancellationNote', 1001]]) {
    expectStatus(await remove(`subscription-contracts/${id}`, { [name]: 'x'.repeat(length) }), 400);
  }
  assert.equal((await external(id)).status, 'ACTIVE');
});

test('F48 billed every three months', async () => {
  const { id } = await create();
  const { status, body } = await put(INTERVAL, { contractId: id, interval: 'MONTH', intervalCount: 3 });
  assert.equal(status, 200);
  assert.deepEqual([body.billingPolicy.interval, body.billingPolicy.intervalCount], ['MONTH', 3]);
  assert.deepEqual(await external(id), body);
});

test('F48 intervals that are none', async () => {
  const { id } = await create();
  for (const query of [
    { interval: 'MOON', intervalCount: 1 }, { interval: 'MONTH', intervalCount: 0 }, { interval: 'MONTH', intervalCount: 1001 },
    { interval: 'MONTH' }, { intervalCount: 2 }, { interval: 'MONTH', intervalCount: -1 },
  ]) {
    expectProblem(await put(INTERVAL, { contractId: id, ...query }), 400);
  }
  const delivery = { contractId: id, deliveryInterval: 'week', deliveryIntervalCount: 2 };
  const { body } = await put('subscription-contracts-update-delivery-interval', delivery);
  assert.deepEqual([body.deliveryPolicy.interval, body.deliveryPolicy.intervalCount], ['WEEK', 2]);
  assert.equal(body.billingPolicy.interval, 'MONTH');
});

test('F49 another date: not one that has passed, and kept in UTC', async () => {
  const { id } = await create();
  expectErrorKey(await put(DATE, { contractId: id, nextBillingDate: inDays(-1) }), 'nextBillingDateInPast');
  for (const nextBillingDate of ['soon', '2026-13-01T00:00:00Z', '']) {
    expectProblem(await put(DATE, { contractId: id, nextBillingDate }), 400);
  }
  const at = inDays(20);
  const { status, body } = await put(DATE, { contractId: id, nextBillingDate: atOffset(at, 5, 30) });
  assert.equal(status, 200);
  assert.equal(body.nextBillingDate, at);
  assert.equal((await row(id)).nextBillingDate, at);
  assert.equal((await queue(id))[0].billingDate, at);
});

test('F49 only what runs can be moved', async () => {
  const { id } = await create();
  await setStatus(id, 'PAUSED');
  expectErrorKey(await put(DATE, { contractId: id, nextBillingDate: inDays(3) }), 'contractNotActive');
});

test('cycles are set and cleared, and the last one ends it', async () => {
  const { id } = await create();
  const set = async (word, query) => (await put(`subscription-contracts-update-${word}-cycles`, { contractId: id, ...query })).body.billingPolicy;
  assert.equal((await set('min', { minCycles: 4 })).minCycles, 4);
  assert.equal((await set('min', {})).minCycles, null);
  assert.equal((await set('max', { maxCycles: 9 })).maxCycles, 9);
  assert.equal((await set('max', { maxCycles: 0 })).maxCycles, null);
  for (const word of ['min', 'max']) {
    expectProblem(await put(`subscription-contracts-update-${word}-cycles`, { contractId: id, [`${word}Cycles`]: -3 }), 400);
  }
  await charge(id);
  expectStatus(await put('subscription-contracts-update-max-cycles', { contractId: id, maxCycles: 1 }), 200);
  assert.equal((await row(id)).status, 'expired');
  expectErrorKey(await setStatus(id, 'ACTIVE'), 'contractEnded');
});

test('F50 no downgrade is pending', async () => {
  const { id } = await create();
  for (const contract of [id, 4711]) {
    expectProblem(await ask(downgrade(contract)), 404);
    expectProblem(await remove(downgrade(contract)), 404);
  }
});

test('F51 a cheaper plan waits for the next period', async () => {
  const { id, line } = await holdGold();
  await charge(id);
  const change = (newVariantId) => put(VARIANT, { contractId: id, newVariantId, prorateDowngrade: false });
  const changed = await change(silver);
  expectStatus(changed, 200);
  assert.equal(changed.body.lines.nodes[0].variantId, `gid://shopify/ProductVariant/${gold}`);
  const { status, body } = await ask(downgrade(id));
  assert.equal(status, 200);
  assert.equal(body.waitTillTimestamp, (await external(id)).nextBillingDate);
  assert.deepEqual(
    [body.contractId, body.oldLineId, body.oldVariantId, body.newVariantId, body.oldPrice, body.newPrice],
    [id, line, String(gold), String(silver), 29, 9],
  );
  expectErrorKey(await change(silver), 'pendingDowngradeExists');
  expectStatus(await remove(downgrade(id)), 204);
  expectProblem(await ask(downgrade(id)), 404);
});

test('a dearer plan is charged for at once', async () => {
  const { id } = await create({ lines: [{ variantId: silver, quantity: 1 }] });
  await charge(id);
  const changed = await put(VARIANT, { contractId: id, newVariantId: gold });
  expectStatus(changed, 200);
  assert.equal(changed.body.lines.nodes[0].variantId, `gid://shopify/ProductVariant/${gold}`);
  const deadline = Date.now() + 20_000;
  const charged = async () => (await past(id)).find(({ status, upgradeDowngradeBilling }) => upgradeDowngradeBilling && status === 'SUCCESS');
  while (!(await charged()) && Date.now() < deadline);
  assert.ok((await charged()).orderAmount > 0);
});

test('plans that cannot be changed to', async () => {
  const { id } = await holdGold();
  expectErrorKey(await put(VARIANT, { contractId: id, newVariantId: gold }), 'sameVariant');
  expectProblem(await put(VARIANT, { contractId: id }), 400);
  expectProblem(await put(VARIANT, { contractId: id, newVariantId: 'x' }), 400);
  expectStatus(await put(VARIANT, { contractId: id, newVariantId: 987654321 }), 400);
  expectErrorKey(await put(VARIANT, { contractId: id, newVariantId: silver, oldVariantId: 5 }), 'lineNotFound');
  const lost = await put(VARIANT, { contractId: id, newVariantId: silver, oldLineId: 'gid://shopify/SubscriptionLine/9-9' });
  expectErrorKey(lost, 'lineNotFound');
  assert.match(lost.body.message, /9-9/);
});

test('F52 a discount is granted and taken back', async () => {
  const { id } = await create();
  const terms = { discountType: 'PERCENTAGE', percentage: 25, discountTitle: 'Sorry', recurringCycleLimit: 2 };
  const granted = await put(ADD_DISCOUNT, { contractId: id, ...terms });
  expectStatus(granted, 200);
  const [discount] = granted.body.discounts.nodes;
  assert.deepEqual([discount.recurringCycleLimit, discount.value.percentage, discount.title], [2, 25, 'Sorry']);
  assert.deepEqual(granted.body.lines.nodes[0].lineDiscountedPrice, { amount: '15.00', currencyCode: 'USD' });
  const removed = await put('subscription-contracts-remove-discount', { contractId: id, discountId: discount.id });
  expectStatus(removed, 200);
  assert.deepEqual(removed.body.discounts.nodes, []);
  expectErrorKey(await put('subscription-contracts-remove-discount', { contractId: id, discountId: discount.id }), 'discountNotFound');
});

test('F52 discounts that are none', async () => {
  const { id } = await create();
  for (const query of [
    {}, { discountType: 'PERCENTAGE' }, { discountType: 'FIXED_AMOUNT', percentage: 5 }, { discountType: 'PERCENTAGE', percentage: 101 },
    { discountType: 'PERCENTAGE', percentage: 0 }, { discountType: 'GIFT', percentage: 5 }, { discountType: 'FIXED_AMOUNT', amount: 'x' },
    { discountType: 'FIXED_AMOUNT', amount: 0 }, { percentage: 5, amount: 5 }, { discountType: 'PERCENTAGE', percentage: 5, recurringCycleLimit: -1 },
    { discountType: 'FIXED_AMOUNT', amount: '99999999999999' },
  ]) {
    expectStatus(await put(ADD_DISCOUNT, { contractId: id, ...query }), 400);
  }
  assert.deepEqual((await external(id)).discounts.nodes, []);
});

test('F52 an amount off, of the whole or of each', async () => {
  const { id } = await create({ lines: [{ variantId: 77, quantity: 3, currentPrice: '20.00' }] });
  const add = async (more) => (await put(ADD_DISCOUNT, { contractId: id, discountType: 'FIXED_AMOUNT', ...more })).body;
  assert.equal((await add({ amount: '2.50' })).lines.nodes[0].lineDiscountedPrice.amount, '57.50');
  assert.equal((await add({ amount: '2.50', appliesOnEachItem: true })).lines.nodes[0].lineDiscountedPrice.amount, '50.00');
});

test('a code is applied once', async () => {
  await manage('PUT', 'discount-codes/WELCOME', { percentage: 10, cycles: 3 });
  const { id } = await create();
  const apply = (discountCode) => put('subscription-contracts-apply-discount', { contractId: id, discountCode });
  const applied = await apply('WELCOME');
  expectStatus(applied, 200);
  assert.deepEqual([applied.body.discounts.nodes[0].title, applied.body.discounts.nodes[0].recurringCycleLimit], ['WELCOME', 3]);
  const again = await apply('WELCOME');
  expectErrorKey(again, 'discountAlreadyApplied');
  assert.match(again.body.message, /already applied/);
  expectErrorKey(await apply('NO-SUCH'), 'discountCodeInvalid');
  for (const odd of ['', ' ', 'x'.repeat(5000), '💥']) expectStatus(await apply(odd), 400);
});

test('lines come and go', async () => {
  const { id, line } = await create();
  const added = await put('subscription-contracts-add-line-item', { contractId: id, quantity: 2, variantId: `gid://shopify/ProductVariant/${gold}` });
  expectStatus(added, 200);
  const priced = await put('subscription-contract-add-line-item', { contractId: id, quantity: 1, variantId: 4242, price: '3.25' });
  assert.deepEqual(priced.body.lines.nodes.map(({ quantity, currentPrice }) => [quantity, currentPrice.amount]), [[1, '20.00'], [2, '29.00'], [1, '3.25']]);
  const left = await put('subscription-contracts-remove-line-item', { contractId: id, lineId: line });
  assert.equal(left.body.lines.nodes.length, 2);
  const lost = await put('subscription-contracts-remove-line-item', { contractId: id, lineId: line });
  expectErrorKey(lost, 'lineNotFound');
  assert.match(lost.body.message, new RegExp(line));
  for (const query of [
    { quantity: 0, variantId: gold }, { quantity: 10_000, variantId: gold }, { variantId: gold }, { quantity: 1 }, { quantity: 1, variantId: 'x' },
    { quantity: 1, variantId: 4242 }, { quantity: 1, variantId: 4242, price: '1.999' }, { quantity: -1, variantId: gold },
  ]) {
    expectStatus(await put('subscription-contract-add-line-item', { contractId: id, ...query }), 400);
  }
});

test('a line is changed', async () => {
  const { id, line } = await create();
  const change = (path, query) => put(path, { contractId: id, lineId: line, ...query });
  const shown = async (response) => response.body.lines.nodes.map(({ quantity, currentPrice }) => [quantity, currentPrice.amount])[0];
  assert.deepEqual(await shown(await change('subscription-contracts-update-line-item-quantity', { quantity: 4 })), [4, '20.00']);
  assert.deepEqual(await shown(await change('subscription-contracts-update-line-item-price', { basePrice: '12.50' })), [4, '12.50']);
  const named = await change(UPDATE_LINE, { quantity: 2, price: '5', sellingPlanName: 'Every month' });
  assert.deepEqual(await shown(named), [2, '5.00']);
  assert.equal(named.body.lines.nodes[0].sellingPlanName, 'Every month');
  for (const query of [{ quantity: 0 }, { quantity: 10_000 }, { price: 'x' }, { price: '-1' }, { variantId: 'x' }, { variantId: 987654 }, { lineId: '' }]) {
    expectStatus(await change(UPDATE_LINE, query), 400);
  }
  expectProblem(await put('subscription-contracts-update-line-item-quantity', { contractId: id, lineId: line }), 400);
  expectProblem(await put('subscription-contracts-update-line-item-price', { contractId: id, lineId: line }), 400);
  const attributes = [{ key: 'engraving', value: 'Ada' }];
  const { body } = await put('subscription-contracts-update-line-item-attributes', { contractId: id, lineId: line }, attributes);
  assert.deepEqual(body.lines.nodes[0].customAttributes, attributes);
  for (const odd of [{}, [7], [{ key: 5 }], [{ value: 'x' }]]) {
    expectStatus(await put('subscription-contracts-update-line-item-attributes', { contractId: id, lineId: line }, odd), 400);
  }
});

test('F54 the only line stays', async () => {
  const { id, line, object } = await create();
  expectErrorKey(await put('subscription-contracts-remove-line-item', { contractId: id, lineId: line }), 'lastLine');
  assert.deepEqual(await external(id), object);
});

test('F59 a note for every order', async () => {
  const { id } = await create();
  const note = (path, query) => put(path, query);
  const response = await note(`subscription-contracts-update-order-note/${id}`, { orderNote: 'x' });
  expectStatus(response, 200);
  assert.equal(response.text, 'true');
  assert.equal((await external(id)).note, 'x');
  assert.equal((await row(id)).orderNote, 'x');
  expectProblem(await note(`subscription-contracts-update-order-note/${id}`, {}), 400);
  expectStatus(await note(`subscription-contracts-update-order-note/${id}`, { orderNote: 'x'.repeat(1001) }), 400);
});

test('attributes are laid over or put in place of others', async () => {
  const { id } = await create();
  const set = (list, query) =>
    put('subscription-contracts-update-custom-note-attributes', query, { subscriptionContractId: id, customAttributesList: list });
  const [a, b] = [{ key: 'a', value: '1' }, { key: 'b', value: '2' }];
  expectStatus(await set([a]), 200);
  await set([b], { overwriteExistingAttributes: false });
  assert.deepEqual((await external(id)).customAttributes, [a, b]);
  await set([b]);
  assert.deepEqual((await external(id)).customAttributes, [b]);
  for (const body of [{}, { subscriptionContractId: 'x' }, { subscriptionContractId: id, customAttributesList: 5 }, [1]]) {
    expectStatus(await put('subscription-contracts-update-custom-note-attributes', {}, body), 400);
  }
});

test('an address to deliver to', async () => {
  const { id } = await create();
  const address = { firstName: 'Ada', city: 'London', countryCode: 'GB' };
  const { body } = await put('subscription-contracts-update-shipping-address', { contractId: id }, address);
  const { city, zip } = body.deliveryMethod.address;
  assert.deepEqual([city, zip], ['London', null]);
  for (const odd of [[], 'x', { city: 'x'.repeat(6000) }]) {
    expectStatus(await put('subscription-contracts-update-shipping-address', { contractId: id }, odd), 400);
  }
});

test('what was ended is left alone', async () => {
  const { id, line } = await create();
  await setStatus(id, 'CANCELLED');
  const before = await external(id);
  for (const [path, query] of [
    [INTERVAL, { interval: 'WEEK', intervalCount: 1 }], [DATE, { nextBillingDate: inDays(3) }], [ADD_DISCOUNT, { percentage: 5 }],
    ['subscription-contracts-update-line-item-quantity', { lineId: line, quantity: 2 }], [VARIANT, { newVariantId: gold }],
    ['subscription-contracts-add-line-item', { quantity: 1, variantId: gold }], ['subscription-contracts-update-min-cycles', { minCycles: 1 }],
  ]) {
    expectErrorKey(await put(path, { contractId: id, ...query }), 'contractEnded');
  }
  expectErrorKey(await setStatus(id, 'PAUSED'), 'contractEnded');
  assert.deepEqual(await external(id), before);
  assert.ok((await rows({ status: 'cancelled', size: 200 })).some((shown) => shown.id === Number(tail(before.id))));
});
