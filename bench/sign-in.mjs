// What signing in gives away, and what a flood of it does: see "Signing in" in bench/README.md.
//
//   LOGINS=10000 FLOOD=500 node bench/sign-in.mjs        (after `npm ci --prefix tests/clients`)
//
// Starts a server of its own (GUILDHALL_BIN, else target/release/guildhall) on SQLite in a temporary folder.

import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker, isMainThread, workerData } from 'node:worker_threads';

const LOGINS = Number(process.env.LOGINS ?? 10_000);
const FLOOD = Number(process.env.FLOOD ?? 500);
const FLOOD_SECONDS = Number(process.env.FLOOD_SECONDS ?? 20);
const PORT = Number(process.env.PORT ?? 18_420);
const T_MAX = 4.5;
const PASSWORD = 'a-long-password';

const nowUs = () => Number(process.hrtime.bigint() / 1000n);

function send(agent, method, path, key, body) {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = { 'x-api-key': key, ...(text && { 'content-type': 'application/json', 'content-length': text.length }) };
    const call = request({ host: '127.0.0.1', port: PORT, method, path, agent, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(parts).toString() }));
    });
    call.on('error', reject);
    call.end(text);
  });
}

const logIn = (agent, key, email) => send(agent, 'POST', '/auth/login', key, { email, password: 'not-the-password' });

/** Welch's t of two samples. */
function welch(a, b) {
  const mean = (xs) => xs.reduce((sum, x) => sum + x, 0) / xs.length;
  const [ma, mb] = [mean(a), mean(b)];
  const spread = (xs, m) => xs.reduce((sum, x) => sum + (x - m) ** 2, 0) / (xs.length - 1) / xs.length;
  return (ma - mb) / Math.sqrt(spread(a, ma) + spread(b, mb));
}

const percentile = (xs, p) => [...xs].sort((a, b) => a - b)[Math.min(xs.length - 1, Math.floor(xs.length * p))];
const ms = (us) => `${(us / 1000).toFixed(2)} ms`;

/** The two kinds in an order that nobody could guess, so that whatever else happens meets both alike. */
async function timing(key) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const samples = { known: [], unknown: [] };
  for (let round = 0; round < LOGINS + 20; round += 1) {
    const order = randomInt(2) === 0 ? ['known', 'unknown'] : ['unknown', 'known'];
    for (const kind of order) {
      const email = kind === 'known' ? 'known@example.com' : 'abcde@example.com';
      const start = nowUs();
      const { status } = await logIn(agent, key, email);
      if (status !== 401) throw new Error(`a log-in was answered with ${status}`);
      if (round >= 20) samples[kind].push(nowUs() - start);
    }
  }
  agent.destroy();
  const t = welch(samples.known, samples.unknown);
  for (const [kind, xs] of Object.entries(samples)) {
    console.log(`  ${kind.padEnd(8)} median ${ms(percentile(xs, 0.5))}, p99 ${ms(percentile(xs, 0.99))}`);
  }
  console.log(`  Welch's t of ${LOGINS} each: ${t.toFixed(2)} (must be below ${T_MAX})`);
  return Math.abs(t) < T_MAX;
}

/** Reads of one member, one every ten milliseconds. */
async function reads(key, id, seconds) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const start = nowUs();
    const { status } = await send(agent, 'GET', `/members/${id}`, key);
    if (status !== 200) throw new Error(`a read was answered with ${status}`);
    times.push(nowUs() - start);
    await wait(10);
  }
  agent.destroy();
  return times;
}

const memoryOf = (pid) => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

async function flood(keys, id, pid) {
  const quiet = await reads(keys.secret, id, FLOOD_SECONDS);
  const before = memoryOf(pid);
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { key: keys.public, connections: FLOOD } });
  const statuses = once(worker, 'message');
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, memoryOf(pid))), 100);
  await wait(1000);
  const busy = await reads(keys.secret, id, FLOOD_SECONDS);
  worker.postMessage('stop');
  const [counted] = await statuses;
  clearInterval(watch);
  const ratio = percentile(busy, 0.99) / percentile(quiet, 0.99);
  console.log(`  ${FLOOD} parallel log-ins for ${FLOOD_SECONDS} s: ${JSON.stringify(counted)}`);
  console.log(`  reads: quiet p99 ${ms(percentile(quiet, 0.99))}, flooded p99 ${ms(percentile(busy, 0.99))}: ratio ${ratio.toFixed(2)} (must be below 2)`);
  console.log(`  the server's own memory: ${before.toFixed(0)} MiB before, ${peak.toFixed(0)} MiB at most`);
  return ratio < 2 && peak - before < 200;
}

async function main() {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const program = process.env.GUILDHALL_BIN ?? join(root, 'target/release/guildhall');
  const dir = mkdtempSync(join(tmpdir(), 'guildhall-sign-in-'));
  const command = (...args) => JSON.parse(execFileSync(program, [...args, '--data-dir', dir, '--json']).toString());
  const app = command('app', 'create', '--name', 'bench');
  const publicKey = command('key', 'create', '--app', app.id, '--kind', 'public', '--env', 'sandbox', '--name', 'page', '--rate-limit', 'none').key;
  const secretKey = command('key', 'create', '--app', app.id, '--kind', 'secret', '--env', 'sandbox', '--name', 'server', '--rate-limit', 'none').key;
  const log = openSync(join(dir, 'log'), 'a');
  // Delays after wrong guesses would end the measurement at once; they are shown by the tests.
  const flags = ['--data-dir', dir, '--listen', `127.0.0.1:${PORT}`, '--sign-in-attempts', '1000000'];
  const server = spawn(program, ['serve', ...flags], { stdio: ['ignore', log, log] });
  try {
    const agent = new Agent();
    for (;;) {
      const ready = await send(agent, 'GET', '/readyz', '').catch(() => undefined);
      if (ready?.status === 200) break;
      await wait(50);
    }
    const made = await send(agent, 'POST', '/members', secretKey, { email: 'known@example.com', password: PASSWORD });
    const { id } = JSON.parse(made.text).data;
    console.log('Log-ins with a known and an unknown address');
    const even = await timing(publicKey);
    console.log('A flood of log-ins');
    const calm = await flood({ public: publicKey, secret: secretKey }, id, server.pid);
    process.exitCode = even && calm ? 0 : 1;
  } finally {
    server.kill();
    await once(server, 'exit');
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Keeps so many log-ins going until it is told to stop. */
async function floodUntilStopped({ key, connections }) {
  const { parentPort } = await import('node:worker_threads');
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const counted = {};
  let stopped = false;
  parentPort.once('message', () => (stopped = true));
  const one = async (number) => {
    for (let turn = 0; !stopped; turn += 1) {
      const { status } = await logIn(agent, key, `flood${number}-${turn}@example.com`).catch(() => ({ status: 'no answer' }));
      counted[status] = (counted[status] ?? 0) + 1;
      // A client that is told to come back later does so, if not as late as it was told.
      if (status === 503) await wait(250);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, number) => one(number)));
  agent.destroy();
  parentPort.postMessage(counted);
}

if (isMainThread) await main();
else await floodUntilStopped(workerData);
