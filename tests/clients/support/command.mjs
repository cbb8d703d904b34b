// The server's own command line, run as another process beside the live server.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { commandEnvironment, dataDir, program } from './environment.mjs';

const run = promisify(execFile);

/** Runs one subcommand and gives what it printed. */
export async function guildhall(...args) {
  const place = dataDir() ? ['--data-dir', dataDir()] : [];
  const { stdout } = await run(program(), [...args, ...place], { env: commandEnvironment() });
  return stdout;
}

/** Runs one subcommand with `--json` and gives the value it printed. */
export const guildhallJson = async (...args) => JSON.parse(await guildhall(...args, '--json'));
