// Runs a folder of tests against a server: one of the run's own on a fresh database, or, with `GUILDHALL_URL`, one that
// runs already.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { guildhallJson } from './command.mjs';
import { openEngine } from './engine.mjs';
import { assertionsOf, secret, secretsOf } from './ledger.mjs';
import { leaksIn } from './log-scan.mjs';
import { startServer } from './server.mjs';

const supportDir = fileURLToPath(new URL('.', import.meta.url));
const LEAKS_SHOWN_MAX = 10;

/**
 * Runs every test of the folder `here` and ends the process: with 0 if all passed, the server ended well and printed no
 * secret. `flags` are for the server.
 */
export async function runFolder(here, flags) {
  const runDir = mkdtempSync(join(tmpdir(), 'guildhall-clients-'));
  process.on('exit', () => rmSync(runDir, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

  process.env.CLIENTS_RUN_DIR = runDir;
  process.env.GUILDHALL_BIN ??= join(supportDir, '../../../target/debug/guildhall');

  /** Runs every test file, one after the other, and tells whether all passed. */
  async function runTests() {
    const reporters = [
      ['spec', 'stdout'],
      [join(supportDir, 'tally-reporter.mjs'), join(runDir, 'tests.txt')],
    ].flatMap(([reporter, destination]) => [`--test-reporter=${reporter}`, `--test-reporter-destination=${destination}`]);
    const files = readdirSync(here).filter((name) => name.endsWith('.test.mjs'));
    const child = spawn(process.execPath, ['--test', '--test-concurrency=1', ...reporters, ...files], {
      cwd: here,
      stdio: 'inherit',
    });
    const [code] = await once(child, 'exit');
    return code === 0;
  }

  function counts() {
    const file = join(runDir, 'tests.txt');
    const tests = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    return `${tests} tests, ${assertionsOf(runDir)} assertions`;
  }

  /** Drives a server that somebody else started. */
  async function runAgainst(url) {
    const passed = await runTests();
    console.log(`${url}: ${counts()}`);
    return passed ? [] : ['a test failed'];
  }

  /** Drives a server of this run's own, and then looks at how it ended and what it printed. */
  async function runOn(engineName) {
    const engine = openEngine(engineName);
    engine.secrets.forEach(secret);
    process.env.GUILDHALL_DATA_DIR = join(runDir, 'data');
    mkdirSync(process.env.GUILDHALL_DATA_DIR);
    delete process.env.GUILDHALL_DATABASE_URL;
    Object.assign(process.env, engine.settings);
    try {
      // With an app already there, the server has no first-start notice, and so no key, to print.
      const app = await guildhallJson('app', 'create', '--name', 'before the first start');
      for (const environment of Object.values(app.environments)) secret(environment.secretKey);
      const server = await startServer(runDir, flags);
      process.env.GUILDHALL_URL = server.url;
      const passed = await runTests();
      const exit = await server.stop();

      const secrets = secretsOf(runDir);
      const leaks = leaksIn(server.log(), secrets);
      const failures = [
        ...(passed ? [] : ['a test failed']),
        ...(exit === 0 ? [] : [`the server ended with ${exit} after SIGTERM`]),
        ...leaks.slice(0, LEAKS_SHOWN_MAX),
        ...(leaks.length > LEAKS_SHOWN_MAX ? [`and ${leaks.length} such finds in all`] : []),
      ];
      if (failures.length > 0) console.log(`The last the server said:\n${server.log().split('\n').slice(-30).join('\n')}`);
      console.log(`${engineName}: ${counts()}; the server's output was searched for ${secrets.length} secrets`);
      return failures;
    } finally {
      engine.remove();
    }
  }

  const failures = process.env.GUILDHALL_URL ? await runAgainst(process.env.GUILDHALL_URL) : await runOn(process.argv[2]);
  for (const failure of failures) console.error(`FAILED: ${failure}`);
  process.exit(failures.length === 0 ? 0 : 1);
}
