// Nothing that is sent to contracts and attempts makes the server fail: every answer is below 500, and none shows more than a problem.

import { test } from 'node:test';
import assert from '../clients/support/assert.mjs';
import { send } from '../clients/support/http.mjs';
import { call, expectStatus } from './support/call.mjs';
import { contractsOf } from './support/contracts.mjs';
import { openStore } from './support/store.mjs';

const store = await openStore('bad-input');
const { key, shop } = store;
const { create, queue, external, draft, post, put } = contractsOf(store);

const ODD = [
  '', ' ', '0', '-1', '1.5', '1e9', 'null', 'true', 'x', "'; drop table", '%', '_', '💥', 'x'.repeat(3000), '99999999999999999999', '9223372036854775807',
  '-9223372036854775808', '4294967296', '2147483648', '0001-01-01', '9999-12-31T23:59:59Z', '2026-02-30', 'gid://shopify/X/', 'gid://shopify/SubscriptionLine/1-',
];
const QUERIES = {
  'PUT subscription-contracts-update-status': ['status', 'pauseDurationCycle'],
  'PUT subscription-contracts-update-billing-interval': ['interval', 'intervalCount'],
  'PUT subscription-contracts-update-delivery-interval': ['deliveryInterval', 'deliveryIntervalCount'],
  'PUT subscription-contracts-update-billing-date': ['nextBillingDate'],
  'PUT subscription-contracts-update-min-cycles': ['minCycles'],
  'PUT subscription-contracts-update-max-cycles': ['maxCycles'],
  'PUT subscription-contract-add-line-item': ['quantity', 'variantId', 'price', 'isOneTimeProduct'],
  'PUT subscription-contracts-remove-line-item': ['lineId'],
  'PUT subscription-contracts-update-line-item': ['lineId', 'quantity', 'price', 'variantId', 'sellingPlanName', 'isPricePerUnit'],
  'PUT subscription-contract-update-variant': ['newVariantId', 'oldVariantId', 'oldLineId', 'skipBilling', 'prorateDowngrade'],
  'PUT subscription-contracts-apply-discount': ['discountCode'],
  'PUT subscription-contracts-add-discount': ['discountType', 'percentage', 'amount', 'discountTitle', 'recurringCycleLimit', 'appliesOnEachItem'],
  'PUT subscription-contracts-remove-discount': ['discountId'],
  'GET subscription-contract-details': [
    'status', 'fromNextDate', 'toNextDate', 'subscriptionContractId', 'customerName', 'customerEmail', 'customerId', 'billingPolicyInterval',
    'billingPolicyIntervalCount', 'planType', 'recordType', 'productId', 'variantId', 'sellingPlanIds', 'minOrderAmount', 'maxOrderAmount', 'sort', 'page', 'size',
    'fromCreatedDate', 'toUpdatedDate',
  ],
  'GET subscription-contract-details/customers': ['name', 'email', 'activeMoreThanOneSubscription', 'page', 'size'],
  'GET membership-contracts': ['customerId', 'status', 'page', 'size'],
  'GET membership-status': ['customerId'],
  'GET subscription-billing-attempts/top-orders': ['contractId', 'customerId', 'page'],
  'GET subscription-billing-attempts/past-orders/report': ['status', 'contractId', 'page', 'size'],
  'PUT subscription-billing-attempts/skip-upcoming-order': ['subscriptionContractId'],
};
const GOOD = {
  interval: 'MONTH', intervalCount: 1, deliveryInterval: 'MONTH', deliveryIntervalCount: 1, quantity: 1, variantId: 77, price: '1.00', status: 'ACTIVE',
  newVariantId: 78, percentage: 5, customerId: 1,
};

function expectSound({ status, text, headers }, about) {
  assert.ok(status < 500, `${about}: ${status} ${text.slice(0, 200)}`);
  if (status >= 400) assert.match(headers.get('content-type'), /^application\/(problem\+)?json/, about);
}

for (const [route, names] of Object.entries(QUERIES)) {
  test(`odd parameters of ${route}`, async () => {
    const [method, path] = route.split(' ');
    const { id, line } = await create();
    const base = path.startsWith('membership') ? { shop } : { contractId: id, lineId: line };
    const fitting = Object.fromEntries(names.filter((name) => name in GOOD).map((name) => [name, GOOD[name]]));
    for (const name of names) {
      for (const odd of ODD) {
        const query = { ...base, ...(method === 'PUT' && fitting), [name]: odd };
        expectSound(await call(method, path, { key, query }), `${route} ${name}=${odd.slice(0, 40)}`);
      }
    }
    assert.ok((await external(id)).id);
  });
}

test('odd ids in paths', async () => {
  const paths = [
    ['GET', 'membership-contracts/ID'], ['PUT', 'membership-contracts/ID/pause'], ['GET', 'subscription-contract-details/ID/pending-downgrade'],
    ['DELETE', 'subscription-contract-details/ID/pending-downgrade'], ['GET', 'subscription-customers/valid/ID'], ['GET', 'subscription-customers/ID'],
    ['GET', 'subscription-customers-detail/valid/ID'], ['GET', 'subscription-contracts/contract-external/ID'], ['DELETE', 'subscription-contracts/ID'],
    ['PUT', 'subscription-contracts-update-order-note/ID'], ['PUT', 'subscription-billing-attempts/skip-order/ID'],
    ['PUT', 'subscription-billing-attempts/attempt-billing/ID'], ['PUT', 'subscription-billing-attempts/reschedule-order/ID'],
  ];
  for (const [method, path] of paths) {
    for (const odd of ODD.filter((text) => text !== '')) {
      const query = { shop, orderNote: 'x', billingDate: '2027-01-01' };
      expectSound(await call(method, path.replace('ID', encodeURIComponent(odd)), { key, query }), `${method} ${path} ${odd.slice(0, 40)}`);
    }
  }
});

const BODIES = [
  undefined, '', '{', 'null', '5', '"x"', '[]', '[[]]', '{}', '{"lines":{}}', '{"lines":[null]}', '{"id":1e400}', '{"id":{}}', '{"shop":[]}', '\u0000', '[{"key":"a"}]',
  '[{"key":"a","value":{}}]', `[${'['.repeat(500)}`, '{"a\\u0000":"\\u0000"}', '{"firstName":"\\u0000"}', '{"orderNote":"\\ud800"}', '[{"key":"\\u0000","value":"\\u0000"}]',
];

test('odd bodies', async () => {
  const { id, line } = await create();
  const [attempt] = await queue(id);
  const paths = [
    ['POST', 'subscription-contract-details/create-subscription-contract'],
    ['PUT', `subscription-contracts-update-shipping-address?contractId=${id}`],
    ['PUT', `subscription-contracts-update-line-item-attributes?contractId=${id}&lineId=${line}`],
    ['PUT', 'subscription-contracts-update-custom-note-attributes'],
    ['PUT', 'subscription-billing-attempts'],
  ];
  const whole = [
    { subscriptionContractId: id, customAttributesList: [{ key: 'a\u0000', value: '\u0000' }] },
    { ...attempt, orderNote: '\u0000' },
    { customerId: 5, customerEmail: 'n\u0000l@example.com', nextBillingDate: '2030-01-01', billingIntervalType: 'DAY', billingIntervalCount: 1, paymentMethodId: 'x\u0000', deliveryCity: '\u0000', lines: [{ variantId: 7, quantity: 1, currentPrice: '1', title: '\u0000' }] },
    { customerId: 6, customerEmail: 'ok@example.com', nextBillingDate: '2030-01-01', billingIntervalType: 'DAY', billingIntervalCount: 1, paymentMethodId: 'ok', deliveryCity: '\u0000', lines: [{ variantId: 7, quantity: 9999, currentPrice: '9999999999', title: '\u0000' }] },
    { customerId: 7, customerEmail: 'max@example.com', nextBillingDate: '9999-12-31T23:59:59Z', billingIntervalType: 'YEAR', billingIntervalCount: 1000, paymentMethodId: 'ok', lines: Array(100).fill({ variantId: Number.MAX_SAFE_INTEGER, quantity: 9999, currentPrice: '1000000000.00' }) },
  ].map((value) => JSON.stringify(value));
  for (const [method, path] of paths) {
    for (const body of [...BODIES, ...whole]) {
      const { status, text } = await send(method, `/api/external/v2/${path}`, { key, body });
      assert.ok(status < 500, `${method} ${path} ${body?.slice(0, 60)}: ${status} ${text.slice(0, 200)}`);
    }
  }
  assert.equal((await call('GET', 'subscription-contract-details', { key })).status, 200);
});

test('a charge has a bound', async () => {
  const line = { variantId: 99, quantity: 9999, currentPrice: '100000.00' };
  const made = await post(draft({ lines: [line] }));
  expectStatus(made, 201);
  const refused = await post(draft({ lines: [line, line] }));
  assert.equal(refused.status, 400);
  assert.match(JSON.stringify(refused.body), /come to 1000000000\.00 at most/);
  const id = made.body.id.split('/').at(-1);
  const added = await put('subscription-contracts-add-line-item', { contractId: id, quantity: 9999, variantId: 98, price: '100000.00' });
  assert.equal(added.status, 400);
  assert.equal((await call('GET', `subscription-contracts/contract-external/${id}`, { key })).body.lines.nodes.length, 1);
});
