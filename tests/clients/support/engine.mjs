// The two databases a server can keep its data in, each made fresh for a run.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

const psql = (adminUrl, statement) =>
  execFileSync('psql', [adminUrl, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', statement], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });

function postgres(adminUrl) {
  if (!adminUrl) throw new Error('GUILDHALL_TEST_POSTGRES_URL must give the admin URL of a throw-away PostgreSQL');
  const name = `guildhall_clients_${randomBytes(6).toString('hex')}`;
  psql(adminUrl, `CREATE DATABASE ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    settings: { GUILDHALL_DATABASE_URL: url.href },
    secrets: [url.password].filter(Boolean),
    remove: () => psql(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

const sqlite = () => ({ settings: {}, secrets: [], remove: () => {} });

/** A fresh database for the engine of this name: the settings that lead to it, and the way to remove it. */
export function openEngine(name) {
  if (name === 'sqlite') return sqlite();
  if (name === 'postgres') return postgres(process.env.GUILDHALL_TEST_POSTGRES_URL);
  throw new Error('usage: node run.mjs sqlite|postgres');
}
