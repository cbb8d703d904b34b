// Contracts of a store, made and read through this dialect, and the sandbox's clock and members through the others.

import { setTimeout as wait } from 'node:timers/promises';
import assert from '../../clients/support/assert.mjs';
import { send } from '../../clients/support/http.mjs';
import { guildhallJson } from '../../clients/support/command.mjs';
import { secret } from '../../clients/support/ledger.mjs';
import { call, expectStatus } from './call.mjs';

const DAY_MS = 86_400_000;
const SETTLED_WITHIN_MS = 20_000;
const LOOK_AGAIN_MS = 50;

/** `2026-03-01T00:00:00Z`, so many days from now. */
export const inDays = (days) => `${new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 19)}Z`;

let customers = 1000;

/** A number that no customer of this file has yet. */
export const newCustomer = () => (customers += 1);

/** The last part of a global id. */
export const tail = (gid) => gid.split('/').at(-1);

/** What is asked of a store, with its key. */
export function contractsOf({ key }) {
  const ask = (path, query) => call('GET', path, { key, query });
  const put = (path, query, json) => call('PUT', path, { key, query, json });
  const remove = (path, query) => call('DELETE', path, { key, query });

  const draft = (over = {}) => {
    const customerId = over.customerId ?? newCustomer();
    return {
      customerId, customerEmail: `c${customerId}@example.com`, paymentMethodId: 'fake_succeeds', status: 'ACTIVE',
      nextBillingDate: inDays(10), billingIntervalType: 'MONTH', billingIntervalCount: 1,
      lines: [{ variantId: 77, quantity: 1, currentPrice: '20.00' }], ...over,
    };
  };
  const post = (json) => call('POST', 'subscription-contract-details/create-subscription-contract', { key, json });

  /** Makes a contract; `{ id, customer, line, object }`. */
  async function create(over) {
    const body = draft(over);
    const made = await post(body);
    expectStatus(made, 201);
    const { id, lines } = made.body;
    return { id: Number(tail(id)), customer: body.customerId, line: lines.nodes[0].id, object: made.body };
  }

  const external = async (id) => (await ask(`subscription-contracts/contract-external/${id}`)).body;
  const rows = async (query) => (await ask('subscription-contract-details', query)).body;
  const row = async (id) => (await rows({ subscriptionContractId: id })).find((row) => row.subscriptionContractId === id);
  const queue = async (id) => (await ask('subscription-billing-attempts/top-orders', { contractId: id })).body;
  const past = async (id) => (await ask('subscription-billing-attempts/past-orders', { contractId: id })).body;
  const setStatus = (id, status) => put('subscription-contracts-update-status', { contractId: id, status });
  const billNow = (attempt) => put(`subscription-billing-attempts/attempt-billing/${attempt}`);

  /** Waits until something was decided of the attempt; resolves to it. */
  async function decided(id, attempt) {
    const deadline = Date.now() + SETTLED_WITHIN_MS;
    for (;;) {
      const found = (await past(id)).find((one) => one.id === attempt && ['SUCCESS', 'FAILURE'].includes(one.status));
      if (found) return found;
      assert.ok(Date.now() < deadline, `attempt ${attempt} was not decided in time`);
      await wait(LOOK_AGAIN_MS);
    }
  }

  /** Charges what is next in the queue; resolves to the attempt as it ends. */
  async function charge(id) {
    const [next] = await queue(id);
    expectStatus(await billNow(next.id), 200);
    return decided(id, next.id);
  }

  return { ask, put, remove, post, draft, create, external, rows, row, queue, past, setStatus, billNow, decided, charge };
}

/** A secret key of the store's sandbox that may do everything. */
async function secretKey(app, scopes) {
  const about = ['--app', app, '--kind', 'secret', '--env', 'sandbox', '--name', 'beside', '--rate-limit', 'none'];
  const { key } = await guildhallJson('key', 'create', ...about, '--scopes', scopes);
  secret(key);
  return key;
}

/** The management API of the store's sandbox: `manage(method, path, body)`. */
export async function managed(app) {
  const key = await secretKey(app, 'manage');
  return async (method, path, body) => {
    const response = await send(method, `/manage/v1/${path}`, { key, body });
    assert.ok(response.status < 300, `${method} ${path}: ${response.status} ${response.text}`);
    return response.body;
  };
}

/** Members of the store's sandbox, by id or address, through Memberstack's dialect. */
export async function membersOf(app) {
  const key = await secretKey(app, 'members');
  const ask = async (method, path, body) => {
    const response = await send(method, `/members/${path}`, { key, body });
    assert.equal(response.status, 200, response.text);
    return response.body?.data;
  };
  const get = (member) => ask('GET', encodeURIComponent(member));
  const addPlan = async (member, planId) => ask('POST', `${(await get(member)).id}/add-plan`, { planId });
  return { get, addPlan };
}
