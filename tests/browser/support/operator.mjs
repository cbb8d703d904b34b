// Somebody at the dashboard: how they get in, and what they look at.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { guildhallJson } from '../../clients/support/command.mjs';
import { serverUrl } from '../../clients/support/environment.mjs';
import { secret } from '../../clients/support/ledger.mjs';

export const PASSWORD = secret('a long password for operators');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let made = 0;

/** A new operator's one-time link, as the command line prints it, on the address that the tests reach the server by. */
export async function newOperator(...flags) {
  made += 1;
  const email = `operator${made}-${process.pid}@example.com`;
  const { link } = await guildhallJson('operator', 'create', '--email', email, '--name', 'Olivia Operator', ...flags);
  const { pathname, search } = new URL(link);
  secret(new URLSearchParams(search).get('token'));
  return { email, link: `${serverUrl()}${pathname}${search}` };
}

/** Opens the link, or goes on with the one that is open, and chooses a password; the tab is signed in then. */
export async function choosePassword(page, link) {
  if (link) await page.goto(link);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('The same again').fill(PASSWORD);
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.waitForURL(/\/dashboard(\/apps\/|$|\?)/);
}

/** What axe finds on the page that is open, in both colour schemes: nothing serious, nothing critical. */
export async function assertAccessible(page, what) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // By the debugger: the page's own policy lets no foreign script in.
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => window.axe.run());
    const found = violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.map((node) => node.html).slice(0, 3).join('\n    ')}`);
    assert.deepEqual(found, [], `${what} in ${colorScheme}`);
  }
}
