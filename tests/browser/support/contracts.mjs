// Contracts for the dashboard to show, made as code of an integrator makes them.

import { guildhall, guildhallJson } from '../../clients/support/command.mjs';
import { serverUrl } from '../../clients/support/environment.mjs';
import { secret } from '../../clients/support/ledger.mjs';

/**
 * Makes monthly contracts in the app's sandbox that are due at once, and cancels them: `sell(customer, '20.00', 'fake_succeeds')` gives the
 * number for `cancel(number)`.
 */
export async function openShop(app) {
  await guildhall('app', 'update', '--app', app, '--shop', `${app.slice(-12)}.example.com`);
  const { key } = await guildhallJson('key', 'create', '--app', app, '--kind', 'store', '--env', 'sandbox', '--name', 'Shop');
  secret(key);
  const api = `${serverUrl()}/api/external/v2`;
  const sell = async (customerId, currentPrice, paymentMethodId) => {
    const body = {
      customerId, customerEmail: `c${customerId}@example.com`, paymentMethodId, status: 'ACTIVE',
      nextBillingDate: new Date(Date.now() + 2_000).toISOString(), billingIntervalType: 'MONTH', billingIntervalCount: 1,
      lines: [{ variantId: 77, quantity: 1, currentPrice }],
    };
    const reply = await fetch(`${api}/subscription-contract-details/create-subscription-contract`, {
      method: 'POST', headers: { 'X-API-Key': key, 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    });
    if (reply.status !== 201) throw new Error(`no contract: ${reply.status} ${await reply.text()}`);
    return /\d+$/.exec((await reply.json()).id)[0];
  };
  const cancel = async (number) => {
    const reply = await fetch(`${api}/subscription-contracts/${number}`, { method: 'DELETE', headers: { 'X-API-Key': key } });
    if (reply.status !== 204) throw new Error(`not cancelled: ${reply.status} ${await reply.text()}`);
  };
  return { sell, cancel };
}
