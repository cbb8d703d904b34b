// Plan groups, the guide layer's list of plans, cancellation flow, activity, and how mistakes are told.

import { test } from 'node:test';
import assert from '../clients/support/assert.mjs';
import { call, expectErrorKey, expectProblem, expectStatus, get, links } from './support/call.mjs';
import { createPlan, openStore } from './support/store.mjs';

const store = await openStore('groups');
const { key, shop } = store;
const ask = (path, query) => get(path, { key, query });

test('F61 an unknown plan group is 404', async () => expectProblem(await ask('subscription-groups/4711'), 404));

test('F61 a new group with an id is 400 idexists', async () => {
  const response = await call('POST', 'subscription-groups', { key, json: { id: 7, groupName: 'Gold' } });
  expectErrorKey(response, 'idexists');
  assert.equal(response.headers.get('x-subscriptionapp-error'), 'error.idexists');
});

test('F61 a group is made, found by its id and listed', async () => {
  const plans = [{ frequencyName: 'Monthly', billingFrequencyInterval: 'MONTH', billingFrequencyCount: 1, price: 29.99 }];
  const made = await call('POST', 'subscription-groups', { key, json: { groupName: 'Gold', subscriptionPlans: plans } });
  expectStatus(made, 201);
  assert.equal(made.headers.get('x-subscriptionapp-params'), String(made.body.id));
  assert.deepEqual((await ask(`subscription-groups/${made.body.id}`)).body, made.body);
  const listed = await ask('subscription-groups');
  assert.ok(Array.isArray(listed.body));
  assert.ok(listed.body.some(({ id }) => id === made.body.id));
  const [plan] = made.body.subscriptionPlans;
  assert.match(plan.id, /^gid:\/\/shopify\/SellingPlan\/\d+$/);
  assert.equal(plan.discountOffer, 29.99);
});

test('F61 products are added to groups of the store, and named', async () => {
  const [{ id }] = (await ask('subscription-groups')).body;
  const add = (group, query) => call('PUT', `subscription-groups/${group}/add-products`, { key, query });
  expectStatus(await add(id, { productIds: id }), 200);
  expectProblem(await add(id, {}), 400);
  expectErrorKey(await add(4711, { productIds: 4711 }), 'idnull');
});

test('what the command line offers is listed to the guide layer', async () => {
  await createPlan(store.id, 'Silver', 900);
  const { body } = await ask('membership-plans', { shop });
  const silver = body.content.find(({ name }) => name === 'Silver');
  assert.deepEqual(silver.prices.map(({ price, billingCycleType }) => [price, billingCycleType]), [[9, 'MONTHLY']]);
  assert.equal(body.totalElements, body.content.length);
});

test('the cancellation flow is that of the store, whatever the id', async () => {
  const { body } = await ask('cancellation-managements/101');
  assert.deepEqual([body.id, body.shop, body.cancellationType], [101, shop, 'CANCEL_IMMEDIATELY']);
});

test('F30 an empty list has its headers too', async () => {
  const response = await ask('activity-logs', { page: 0, size: 2 });
  expectStatus(response, 200);
  assert.deepEqual(response.body, []);
  assert.equal(response.headers.get('x-total-count'), '0');
  assert.deepEqual(Object.keys(links(response)), ['last', 'first']);
});

test('F36 a date that is none is 400', async () => {
  expectProblem(await ask('activity-logs', { 'createAt.greaterThanOrEqual': '2024-13-01' }), 400);
});

test('unknown addresses and wrong methods are problems', async () => {
  expectProblem(await ask('nowhere'), 404);
  const response = await call('DELETE', 'subscription-groups', { key });
  expectProblem(response, 405);
  assert.match(response.headers.get('allow'), /POST/);
});

test('a page of another origin may ask', async () => {
  const headers = { Origin: 'https://site.example', 'Access-Control-Request-Method': 'GET' };
  const response = await call('OPTIONS', 'subscription-groups', { headers });
  assert.equal(response.headers.get('access-control-allow-origin'), '*');
});
