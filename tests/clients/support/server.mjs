// A real server of the run's own: started on a free port, awaited, stopped as an operator would stop it.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { commandEnvironment, dataDir, program } from './environment.mjs';

const READY_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 30_000;

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/**
 * Starts the server, with more flags and the named variables of this environment, its output going to a file in `dir`;
 * resolves when it is ready.
 */
export async function startServer(dir, flags = [], variables = []) {
  const logFile = join(dir, 'server.log');
  const listen = `127.0.0.1:${await freePort()}`;
  const output = openSync(logFile, 'a');
  const child = spawn(program(), ['serve', '--data-dir', dataDir(), '--listen', listen, ...flags], {
    env: commandEnvironment(variables),
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  await once(child, 'spawn');
  const ended = once(child, 'exit');
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  ended.then(() => process.off('exit', kill));

  const server = {
    url: `http://${listen}`,
    log: () => readFileSync(logFile, 'utf8'),
    stop: () => stop(child, ended),
  };
  await ready(server, child);
  return server;
}

async function ready({ url, log }, child) {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    const response = await fetch(`${url}/readyz`).catch(() => undefined);
    if (response?.ok) return;
    await wait(50);
  }
  throw new Error(`the server did not become ready (exit code ${child.exitCode}):\n${log()}`);
}

/** Asks the server to end and gives its exit code, or what ended it instead. */
async function stop(child, ended) {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  const patience = new AbortController();
  const late = wait(STOPPED_WITHIN_MS, 'no exit within 30 s', { signal: patience.signal }).catch(() => {});
  const outcome = await Promise.race([ended.then(([code, signal]) => code ?? signal), late]);
  patience.abort();
  return outcome;
}
