// What the dashboard's pages cost with many members and contracts: see "The dashboard" in bench/README.md.
//
//   MEMBERS=1000000 CONTRACTS=100000 node bench/dashboard.mjs
//
// Starts a server of its own (GUILDHALL_BIN, else target/release/guildhall) on SQLite in a temporary folder, or in the empty
// database that DATABASE_URL names. KEEP=1 leaves the folder.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';

const MEMBERS = Number(process.env.MEMBERS ?? 1_000_000);
const CONTRACTS = Number(process.env.CONTRACTS ?? 100_000);
const TIMES = Number(process.env.TIMES ?? 20);
const PORT = Number(process.env.PORT ?? 18_440);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = process.env.GUILDHALL_BIN ?? join(ROOT, 'target/release/guildhall');
const SECONDS_MAX = 0.05;
const BYTES_MAX = 100 * 1024;
/** Pages of one route that are looked at. */
const OF_ROUTE = 4;
const PARALLEL = 32;
const DAY_MS = 86_400_000;

const folder = mkdtempSync(join(tmpdir(), 'guildhall-dashboard-'));
const place = ['--data-dir', folder, ...(process.env.DATABASE_URL ? ['--database-url', process.env.DATABASE_URL] : [])];
const say = (words) => console.error(`==> ${words}`);
const run = (args, options = {}) =>
  JSON.parse(execFileSync(BIN, [...args, ...place, '--json'], { encoding: 'utf8', maxBuffer: 1 << 26, ...options }));

const agent = new Agent({ keepAlive: true, maxSockets: PARALLEL });
function send(method, path, headers = {}, body) {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port: PORT, method, path, agent, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
    });
    call.on('error', reject);
    call.end(body);
  });
}

/** Does something for 0, 1, … with so many at a time. */
async function forEach(count, work) {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      next += 1;
      await work(next - 1);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

async function must(promise, what) {
  const answer = await promise;
  if (answer.status >= 400) throw new Error(`${what}: ${answer.status} ${answer.body}`);
  return answer;
}

function importMembers(app, plans) {
  const child = spawn(BIN, ['member', 'import', ...place, '--app', app, '--env', 'live', '--file', '-', '--format', 'jsonl'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = new Promise((resolve, reject) => child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error('the import failed')))));
  const lines = (function* lines() {
    for (let number = 1; number <= MEMBERS; number += 1) {
      const createdAt = new Date(Date.now() - ((number * 7919) % 700) * DAY_MS).toISOString();
      const held = number % 3 === 0 ? [{ planId: plans[number % plans.length] }] : [];
      yield `${JSON.stringify({
        email: `member${number}@example.com`,
        createdAt,
        customFields: { 'first-name': `First${number % 5000}`, 'last-name': `Last${number % 7919}` },
        plans: held,
        ...(number <= CONTRACTS && { customerNumber: number }),
      })}\n`;
    }
  })();
  const pump = () => {
    for (const line of lines) {
      if (!child.stdin.write(line)) return child.stdin.once('drain', pump);
    }
    return child.stdin.end();
  };
  pump();
  return ended;
}

async function makeContracts(key, prices) {
  const headers = { 'x-api-key': key, 'content-type': 'application/json' };
  const api = '/api/external/v2';
  await forEach(CONTRACTS, async (index) => {
    const variantId = prices[index % prices.length];
    const body = {
      customerId: index + 1,
      status: 'ACTIVE',
      paymentMethodId: index % 20 === 0 ? 'fake_declined' : 'fake_succeeds',
      nextBillingDate: new Date(Date.now() + (1 + (index % (28 * 24))) * (DAY_MS / 24)).toISOString().replace(/\.\d+/, ''),
      billingIntervalType: 'MONTH',
      billingIntervalCount: 1,
      lines: [{ variantId, quantity: 1, currentPrice: '12.00' }],
    };
    const made = await must(send('POST', `${api}/subscription-contract-details/create-subscription-contract`, headers, JSON.stringify(body)), 'a contract');
    const id = /SubscriptionContract\/(\d+)/.exec(made.body.toString())[1];
    const status = { 7: 'PAUSED', 8: 'CANCELLED' }[index % 10];
    if (status) await must(send('PUT', `${api}/subscription-contracts-update-status?contractId=${id}&status=${status}`, headers), 'a status');
  });
}

/** A session of an operator who owns the server: what its requests carry. */
async function signIn() {
  const { link } = run(['operator', 'create', '--email', 'bench@example.com', '--name', 'Bench']);
  const token = new URL(link).searchParams.get('token');
  const form = new URLSearchParams({ token, password: 'a long password for a bench', again: 'a long password for a bench' });
  const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: `http://127.0.0.1:${PORT}`, host: `127.0.0.1:${PORT}` };
  const answer = await must(send('POST', '/dashboard/setup', headers, form.toString()), 'signing in');
  return { cookie: answer.headers['set-cookie'].map((cookie) => cookie.split(';')[0]).join('; ') };
}

/** What the server's own metric says of each route: requests, seconds, and those that took longer than the aim. */
async function durations() {
  const { body } = await must(send('GET', '/metrics'), 'metrics');
  const routes = new Map();
  for (const [, kind, labels, value] of body.toString().matchAll(/^guildhall_http_request_duration_seconds_(\w+)\{(.*)\} (\S+)$/gm)) {
    const route = /route="([^"]*)"/.exec(labels)[1];
    const le = /le="([^"]*)"/.exec(labels)?.[1];
    const at = routes.get(route) ?? { count: 0, sum: 0, quick: 0, buckets: [] };
    if (kind === 'count') at.count = Number(value);
    if (kind === 'sum') at.sum = Number(value);
    if (kind === 'bucket') at.buckets.push([Number(le === '+Inf' ? Infinity : le), Number(value)]);
    routes.set(route, at);
  }
  return routes;
}

/** What a page's address has in common with others of its route. */
const shape = (path) =>
  path.replace(/\?.*/, (query) => `?${[...new URLSearchParams(query).keys()].sort().join('&')}`).replace(/\/((app|mem|pln|key|con|opr|imp|rec|tbl|fld)_[0-9a-z_]+|\d+)(?=\/|\?|$)/g, '/*');

/** Follows the links of the pages, a few of each shape. */
async function crawl(session, start, more) {
  const found = new Map();
  const seen = new Map();
  const queue = [start, ...more];
  while (queue.length > 0) {
    const path = queue.shift();
    if (found.has(path)) continue;
    const kind = shape(path);
    if ((seen.get(kind) ?? 0) >= OF_ROUTE) continue;
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    const answer = await send('GET', path, session);
    if (answer.status >= 300) continue;
    found.set(path, answer.body.length);
    for (const [, href] of answer.body.toString().matchAll(/href="(\/dashboard[^"#]*)"/g)) {
      const link = href.replaceAll('&amp;', '&').replaceAll('&#38;', '&');
      if (!/\/assets\/|\/sandbox(\/|$)/.test(link)) queue.push(link);
    }
  }
  return found;
}

async function main() {
  const app = run(['app', 'create', '--name', 'Bench']).id;
  const free = ['Reader', 'Friend'].map((name) => run(['plan', 'create', '--app', app, '--name', name]).id);
  const paid = ['Silver', 'Gold'].map((name) => run(['plan', 'create', '--app', app, '--name', name, '--price', '1200', '--interval', 'month']));
  say(`${MEMBERS} members`);
  await importMembers(app, free);
  const store = run(['key', 'create', '--app', app, '--kind', 'store', '--env', 'live', '--name', 'bench', '--rate-limit', 'none']).key;
  const log = openSync(join(folder, 'log'), 'w');
  writeFileSync(join(folder, 'guildhall.toml'), 'fake_live_payments = "on"\n');
  const server = spawn(BIN, ['serve', ...place, '--listen', `127.0.0.1:${PORT}`], { stdio: ['ignore', log, log] });
  try {
    for (let tries = 0; ; tries += 1) {
      if (await send('GET', '/metrics').then(({ status }) => status === 200, () => false)) break;
      if (tries > 200) throw new Error(`the server does not listen; see ${join(folder, 'log')}`);
      await wait(100);
    }
    say(`${CONTRACTS} contracts`);
    await makeContracts(store, await priceNumbers(store));
    const session = await signIn();
    const base = `/dashboard/apps/${app}/live`;
    const more = [
      `${base}/members?q=member77`, `${base}/members?q=nobody`, `${base}/members?plan=${paid[0].id}`, `${base}/members?order=email`, `${base}/members?order=oldest`,
      `${base}/members?field=first-name&value=First77`, `${base}/members?field=first-name&value=nobody`,
      `${base}/contracts?status=PAUSED`, `${base}/contracts?status=ACTIVE&order=next`, `${base}/contracts?q=member77`, `${base}/contracts?attention=yes`,
    ];
    say('finding the pages');
    const pages = await crawl(session, base, more);
    say(`${pages.size} pages, ${TIMES} times each`);
    const before = await durations();
    const waits = new Map();
    for (let round = 0; round < TIMES; round += 1) {
      for (const path of pages.keys()) {
        const began = performance.now();
        await must(send('GET', path, session), path);
        waits.set(path, [...(waits.get(path) ?? []), performance.now() - began]);
      }
    }
    report(pages, before, await durations());
    const slowest = [...waits].map(([path, times]) => [path, times.sort((a, b) => a - b)[times.length >> 1]]).sort((a, b) => b[1] - a[1]);
    console.log('\nThe slowest pages as the client sees them, medians:\n');
    for (const [path, ms] of slowest.slice(0, 8)) console.log(`- ${ms.toFixed(1)} ms ${path.replace(base, '…')}`);
  } finally {
    server.kill();
    if (process.env.KEEP !== '1') rmSync(folder, { recursive: true, force: true });
    else say(`left in ${folder}`);
  }
}

/** The numbers that the store's dialect knows prices by. */
async function priceNumbers(store) {
  const { body } = await must(send('GET', '/api/external/v2/subscription-groups', { 'x-api-key': store }), 'the plans');
  return JSON.parse(body).flatMap((group) => group.subscriptionPlans.map((plan) => Number(/(\d+)$/.exec(plan.id)[1])));
}

function report(pages, before, after) {
  const largest = Math.max(...pages.values());
  const rows = [...after].filter(([route]) => route.startsWith('/dashboard')).map(([route, now]) => {
    const then = before.get(route) ?? { count: 0, sum: 0, buckets: [] };
    const count = now.count - then.count;
    const within = now.buckets.map(([le, value], index) => [le, value - (then.buckets[index]?.[1] ?? 0)]);
    const slowest = within.find(([, value]) => value === count)?.[0] ?? Infinity;
    const slow = count - (within.find(([le]) => le === SECONDS_MAX)?.[1] ?? 0);
    return { route, count, mean: (now.sum - then.sum) / count, slowest, slow };
  });
  const looked = rows.filter(({ count }) => count > 0).sort((a, b) => b.mean - a.mean);
  console.log(`## The dashboard with ${MEMBERS} members and ${CONTRACTS} contracts\n`);
  console.log(`${pages.size} pages of ${looked.length} routes, ${TIMES} times each; the largest has ${(largest / 1024).toFixed(1)} KB.\n`);
  console.log('| route | requests | mean, ms | all within, ms | above 50 ms |\n|---|---|---|---|---|');
  for (const { route, count, mean, slowest, slow } of looked) {
    console.log(`| ${route.replace('/dashboard/apps/{app}/{mode}', '…')} | ${count} | ${(mean * 1000).toFixed(1)} | ${slowest * 1000} | ${slow} |`);
  }
  const large = [...pages].filter(([, bytes]) => bytes > BYTES_MAX);
  for (const [path, bytes] of large) console.log(`\nToo large: ${path}: ${bytes} bytes`);
  if (large.length > 0 || looked.some(({ mean }) => mean > SECONDS_MAX)) process.exitCode = 1;
}

await main();
