// Apps, keys and plans, made by the command line; every file of the scenario opens apps of its own.

import memberstackAdmin from '@memberstack/admin';
import { guildhall, guildhallJson } from './command.mjs';
import { serverUrl } from './environment.mjs';
import { secret } from './ledger.mjs';

/** The vendor's SDK, told nothing but the key and where the server is. */
export const sdk = (key, baseUrl = serverUrl()) => memberstackAdmin.init(key, { baseUrl });

/** A new app, as the command line makes it. */
export async function createApp(name) {
  const created = await guildhallJson('app', 'create', '--name', name);
  for (const environment of Object.values(created.environments)) secret(environment.secretKey);
  return created;
}

/** A new app with a sandbox and a live secret key that no rate limit slows down. */
export async function openApp(name) {
  const created = await createApp(name);
  const sandbox = await openEnvironment(created.id, 'sandbox');
  const live = await openEnvironment(created.id, 'live');
  return { id: created.id, environments: created.environments, sandbox, live };
}

async function openEnvironment(app, env) {
  const { key } = await createKey(app, { env, rateLimit: 'none' });
  return { key, members: sdk(key).members };
}

/** A new secret key; without `rateLimit` it has the default limit. */
export async function createKey(app, { env = 'sandbox', name = 'scenario', rateLimit } = {}) {
  const limit = rateLimit === undefined ? [] : ['--rate-limit', String(rateLimit)];
  const about = ['--app', app, '--kind', 'secret', '--env', env, '--name', name];
  const created = await guildhallJson('key', 'create', ...about, ...limit);
  secret(created.key);
  return created;
}

export const revokeKey = (id) => guildhall('key', 'revoke', '--id', id);

export const listKeys = (app) => guildhallJson('key', 'list', '--app', app);

const createPlan = (app, name, ...flags) => guildhallJson('plan', 'create', '--app', app, '--name', name, ...flags);

export const createFreePlan = (app, name) => createPlan(app, name);

export const createAdminOnlyPlan = (app, name) => createPlan(app, name, '--restrict-to-admin');

export const createPaidPlan = (app, name) =>
  createPlan(app, name, '--price', '1900', '--currency', 'usd', '--interval', 'month');

export const createCustomField = (app, key, label) =>
  guildhallJson('custom-field', 'create', '--app', app, '--key', key, '--label', label);
