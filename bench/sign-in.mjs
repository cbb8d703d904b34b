// What signing in gives away, and what a flood of it does: see "Signing in" in bench/README.md.
//
//   LOGINS=10000 FLOOD=500 node bench/sign-in.mjs
//
// Starts a server of its own (GUILDHALL_BIN, else target/release/guildhall) on SQLite in a temporary folder. With LOGINS=0 or
// FLOOD=0 that part is left out.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';

const LOGINS = Number(process.env.LOGINS ?? 10_000);
const FLOOD = Number(process.env.FLOOD ?? 500);
const ROUNDS = Number(process.env.ROUNDS ?? 7);
const SECONDS_EACH = Number(process.env.SECONDS_EACH ?? 8);
/** Reads a second beside the flood, over so many connections. */
const RATE = Number(process.env.RATE ?? 250);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 4);
const PORT = Number(process.env.PORT ?? 18_420);
const T_MAX = 4.5;
/** Rounds in which anything else used more of the cores, or the flood got nowhere, do not count. */
const OTHERS_MAX = Number(process.env.OTHERS_MAX ?? 0.2);
const ATTEMPTS = Number(process.env.ATTEMPTS ?? 4 * ROUNDS);
const RATIO_MAX = 2;
const MEMORY_MIB_MAX = 200;
const MEMBER = 'known@example.com';
const PASSWORD = 'a-long-password';
const ROOT = fileURLToPath(new URL('..', import.meta.url));

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

const logIn = (agent, key, email, password = 'not-the-password') =>
  send(agent, 'POST', '/auth/login', key, { email, password });

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
      const email = kind === 'known' ? MEMBER : 'abcde@example.com';
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

const median = (xs) => percentile(xs, 0.5);

/** A program to run before another, and its words, where this user may run it. */
const before = (...words) => (spawnSync(words[0], [...words.slice(1), 'true']).status === 0 ? words : []);

function start(words, stdin) {
  const child = spawn(words[0], words.slice(1), { stdio: [stdin, 'pipe', 'inherit'] });
  const parts = [];
  child.stdout.on('data', (part) => parts.push(part));
  const ended = once(child, 'exit').then(([code]) => {
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}`);
    return Buffer.concat(parts).toString();
  });
  return { child, ended };
}

/** Reads of one member at a fixed rate: how long each took. The reader goes before all else, so that it measures no wait of its own. */
async function reads(reader, key, id) {
  const words = [`127.0.0.1:${PORT}`, `/members/${id}`, key, RATE, SECONDS_EACH, CONNECTIONS].map(String);
  const printed = await start([...before('chrt', '--rr', '10'), reader, ...words], 'ignore').ended;
  return printed.trim().split('\n').map(Number);
}

/** A flood that goes on until it is told to stop; the machine it comes from stands behind the server when both want a core. */
async function flooding(key, during) {
  const script = fileURLToPath(import.meta.url);
  const { child, ended } = start([...before('nice', '-n', '19'), process.execPath, script, 'flood', key], 'pipe');
  await wait(2000);
  const outcome = await during();
  child.stdin.end();
  const counted = JSON.parse(await ended);
  // What was under way when its callers hung up is finished for nothing.
  await wait(1000);
  return [outcome, counted];
}

const TICKS_A_SECOND = 100;
const fieldsOf = (file) => readFileSync(file, 'utf8').split(') ').at(-1).split(' ').map(Number);

/** Seconds of processor time that all programs took, and what was stolen from this machine; and those of the programs of this run. */
function processorTime(pid) {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8').match(/^cpu +(.*)$/m)[1].split(' ').map(Number);
  const all = user + nice + system + irq + softirq + steal;
  const own = fieldsOf('/proc/self/stat').slice(11, 15);
  const servers = fieldsOf(`/proc/${pid}/stat`).slice(11, 13);
  const ours = [...own, ...servers].reduce((sum, ticks) => sum + ticks, 0);
  return { others: (all - ours) / TICKS_A_SECOND, server: servers[0] / TICKS_A_SECOND + servers[1] / TICKS_A_SECOND };
}

/** What `work` gives, and how many cores other programs than this run's used meanwhile. */
async function beside(pid, work) {
  const [start, began] = [processorTime(pid), nowUs()];
  const outcome = await work();
  const seconds = (nowUs() - began) / 1e6;
  return [outcome, Math.max(0, (processorTime(pid).others - start.others) / seconds)];
}

const memoryOf = (pid) => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

async function flood(keys, id, pid) {
  execFileSync('cargo', ['build', '--release', '--quiet', '--manifest-path', join(ROOT, 'bench/paced/Cargo.toml')]);
  const reader = join(ROOT, 'bench/paced/target/release/paced');
  const idle = memoryOf(pid);
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, memoryOf(pid))), 100);
  const all = { quiet: [], flooded: [] };
  const ratios = [];
  for (let attempt = 0; ratios.length < ROUNDS && attempt < ATTEMPTS; attempt += 1) {
    const quiet = () => reads(reader, keys.secret, id);
    const flooded = () => flooding(keys.public, quiet);
    const [{ calm, busy, counted }, others] = await beside(pid, async () => {
      // Each goes first in turns.
      const first = attempt % 2 === 0 ? await quiet() : undefined;
      const [busy, counted] = await flooded();
      return { calm: first ?? (await quiet()), busy, counted };
    });
    const [p99s, p50s] = [0.99, 0.5].map((p) => `${ms(percentile(calm, p))} quiet, ${ms(percentile(busy, p))} flooded`);
    const ratio = percentile(busy, 0.99) / percentile(calm, 0.99);
    const counts = others <= OTHERS_MAX && counted[200] > 0 && counted[401] > 0 && counted[503] > 0;
    console.log(
      `  p99 ${p99s}: ratio ${ratio.toFixed(2)}; p50 ${p50s}; log-ins ${JSON.stringify(counted)}; others used ${others.toFixed(2)} cores${counts ? '' : ': does not count'}`,
    );
    if (!counts) continue;
    ratios.push(ratio);
    all.quiet.push(...calm);
    all.flooded.push(...busy);
  }
  clearInterval(watch);
  if (ratios.length === 0) {
    console.log('  no round counts: the machine was too busy');
    return false;
  }
  const ratio = median(ratios);
  const span = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  const together = percentile(all.flooded, 0.99) / percentile(all.quiet, 0.99);
  console.log(`  ${FLOOD} parallel log-ins beside ${RATE} reads a second, ${ratios.length} of ${ROUNDS} rounds of ${SECONDS_EACH} s each way`);
  console.log(`  p99 of reads, flooded by quiet: median ${ratio.toFixed(2)} (${span}; all rounds together ${together.toFixed(2)}); must be below ${RATIO_MAX}`);
  console.log(`  the server's own memory: ${idle.toFixed(0)} MiB before, ${peak.toFixed(0)} MiB at most`);
  return ratio < RATIO_MAX && peak - idle < MEMORY_MIB_MAX;
}

async function main() {
  const program = process.env.GUILDHALL_BIN ?? join(ROOT, 'target/release/guildhall');
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
    const made = await send(agent, 'POST', '/members', secretKey, { email: MEMBER, password: PASSWORD });
    const { id } = JSON.parse(made.text).data;
    if (LOGINS > 0) {
      console.log('Log-ins with a known and an unknown address');
      if (!(await timing(publicKey))) process.exitCode = 1;
    }
    if (FLOOD > 0) {
      console.log('A flood of log-ins');
      if (!(await flood({ public: publicKey, secret: secretKey }, id, server.pid))) process.exitCode = 1;
    }
  } finally {
    server.kill();
    await once(server, 'exit');
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Keeps so many log-ins going until standard input ends, and prints what came of them. */
async function floodUntilStopped(key) {
  const agent = new Agent({ keepAlive: true, maxSockets: FLOOD });
  const counted = {};
  let stopped = false;
  const stop = once(process.stdin.resume(), 'end').then(() => (stopped = true));
  const began = nowUs();
  const one = async (number) => {
    for (let turn = 0; !stopped; turn += 1) {
      // Every other client is the member and begins a session; the rest are nobody.
      const call = number % 2 === 0 ? logIn(agent, key, MEMBER, PASSWORD) : logIn(agent, key, `flood${number}-${turn}@example.com`);
      const { status } = await call.catch(() => ({ status: 'no answer' }));
      if (!stopped) counted[status] = (counted[status] ?? 0) + 1;
      // A client that is told to come back later does so, if not as late as it was told.
      if (status === 503) await wait(250);
    }
  };
  const all = Array.from({ length: FLOOD }, (_, number) => one(number));
  await stop;
  const { user, system } = process.cpuUsage();
  counted.coresOfTheFlood = Number(((user + system) / (nowUs() - began)).toFixed(2));
  agent.destroy();
  await Promise.all(all);
  process.stdout.write(JSON.stringify(counted));
}

if (process.argv[2] === 'flood') await floodUntilStopped(process.argv[3]);
else await main();
