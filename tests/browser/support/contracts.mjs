// Contracts for the dashboard to show, made as code of an integrator makes them.

import { guildhall, guildhallJson } from '../../clients/support/command.mjs';
import { serverUrl } from '../../clients/support/environment.mjs';
import { secret } from '../../clients/support/ledger.mjs';

/** A function that makes a monthly contract in the app's sandbox, due at once: `sell(customer, '20.00', 'fake_succeeds')`. */
export async function openShop(app) {
  await guildhall('app', 'update', '--app', app, '--shop', `${app.slice(-12)}.example.com`);
  const { key } = await guildhallJson('key', 'create', '--app', app, '--kind', 'store', '--env', 'sandbox', '--name', 'Shop');
  secret(key);
  return async (customerId, currentPrice, paymentMethodId) => {
    const path = '/api/external/v2/subscription-contract-details/create-subscription-contract';
    const body = {
      customerId, customerEmail: `c${customerId}@example.com`, paymentMethodId, status: 'ACTIVE',
      nextBillingDate: new Date(Date.now() + 2_000).toISOString(), billingIntervalType: 'MONTH', billingIntervalCount: 1,
      lines: [{ variantId: 77, quantity: 1, currentPrice }],
    };
    const reply = await fetch(serverUrl() + path, {
      method: 'POST', headers: { 'X-API-Key': key, 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    });
    if (reply.status !== 201) throw new Error(`no contract: ${reply.status} ${await reply.text()}`);
  };
}
