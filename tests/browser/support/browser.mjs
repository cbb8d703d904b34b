// A real Chromium, and the plain page that the SDK runs on.

import { build } from 'esbuild';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const PROGRAM = process.env.GUILDHALL_CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const PAGE = '<!doctype html><meta charset="utf-8"><title>A site</title><script src="/sdk.js"></script>';

/** The SDK as a site's own build would bundle it: its files as they come from npm, under one name. */
async function bundle() {
  const here = fileURLToPath(new URL('..', import.meta.url));
  const stdin = { contents: "export { default } from '@memberstack/dom';", resolveDir: here };
  const { outputFiles } = await build({ stdin, bundle: true, write: false, format: 'iife', globalName: 'MemberstackDOM' });
  return outputFiles[0].text;
}

/** A site of one page, on an origin of its own. */
export async function openSite() {
  const script = await bundle();
  const server = createServer((request, response) => {
    const isScript = request.url === '/sdk.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : PAGE);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Another host name than the server's, so that cookies and storage are another's as well.
  return { url: `http://localhost:${server.address().port}`, close: () => server.close() };
}

/** A browser with nothing in it. */
export async function openBrowser() {
  const profile = mkdtempSync(join(tmpdir(), 'guildhall-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: PROGRAM,
    args: FLAGS,
    headless: true,
    chromiumSandbox: false,
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/**
 * A tab on the site with the SDK started. Its `call` runs one of the SDK's methods in the page and gives `{ data }`, or
 * `{ error }` with what the SDK rejected with.
 */
export async function openTab(browser, site, options) {
  const page = await browser.context.newPage();
  const rejections = [];
  page.on('pageerror', (error) => rejections.push(String(error)));
  await page.goto(site.url);
  await start(page, options);
  return {
    page,
    rejections,
    call: (method, ...args) => page.evaluate(run, [method, args]),
    stored: (name) => page.evaluate((key) => localStorage.getItem(key), name),
    reload: async () => {
      await page.reload();
      await start(page, options);
    },
    close: () => page.close(),
  };
}

const start = (page, options) =>
  page.evaluate((given) => {
    window.memberstack = window.MemberstackDOM.default.init(given);
  }, options);

async function run([method, args]) {
  try {
    return (await window.memberstack[method](...args)) ?? {};
  } catch (error) {
    return { error: { code: error.code, message: error.message } };
  }
}
