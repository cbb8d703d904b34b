// Stores, their keys and partners' keys, made by the command line; every file opens stores of its own.

import { guildhall, guildhallJson } from '../../clients/support/command.mjs';
import { secret } from '../../clients/support/ledger.mjs';

/** A new store with an unlimited key of its sandbox. */
export async function openStore(name) {
  const shop = `${name}.myshopify.com`;
  const app = await guildhallJson('app', 'create', '--name', name, '--shop', shop);
  for (const { secretKey } of Object.values(app.environments)) secret(secretKey);
  const { key } = await createKey(app.id);
  return { id: app.id, shop, key, environments: app.environments };
}

/** A new store key; `rateLimit` is a number or `none`. */
export async function createKey(app, { name = 'scenario', rateLimit = 'none', env = 'sandbox' } = {}) {
  const about = ['--app', app, '--kind', 'store', '--env', env, '--name', name, '--rate-limit', String(rateLimit)];
  const created = await guildhallJson('key', 'create', ...about);
  secret(created.key);
  return created;
}

export const revokeKey = (id) => guildhall('key', 'revoke', '--id', id);

export const listKeys = (app) => guildhallJson('key', 'list', '--app', app);

export const setApiAccess = (app, access) => guildhallJson('app', 'update', '--app', app, '--api-access', access);

export async function createPartner(name) {
  const created = await guildhallJson('partner', 'create', '--name', name);
  secret(created.key);
  return created;
}

/** A plan with one monthly price. */
export const createPlan = (app, name, cents) =>
  guildhallJson('plan', 'create', '--app', app, '--name', name, '--price', String(cents), '--currency', 'usd', '--interval', 'month');
