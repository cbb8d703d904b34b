// Notes that outlive a test process, so that the run can add up assertions and search the server's log.

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runDir } from './environment.mjs';

const SECRETS = 'secrets.txt';
const ASSERTIONS = 'assertions.txt';

function note(file, line) {
  const dir = runDir();
  if (dir) appendFileSync(join(dir, file), `${line}\n`);
}

/** Remembers a key, password or token, and hands it back. It must never be seen in the server's output. */
export function secret(value) {
  note(SECRETS, value);
  return value;
}

export const noteAssertions = (count) => note(ASSERTIONS, count);

const linesOf = (dir, file) => {
  const path = join(dir, file);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
};

export const secretsOf = (dir) => [...new Set(linesOf(dir, SECRETS))];

export const assertionsOf = (dir) => linesOf(dir, ASSERTIONS).reduce((sum, line) => sum + Number(line), 0);
