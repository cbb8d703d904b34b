// Pictures of every page of the dashboard and of the customers' portal, for docs/screenshots: light, dark and narrow.
//
//   GUILDHALL_BIN=target/debug/guildhall node tests/browser/screenshots.mjs [FOLDER]
//
// Starts a server of its own with `guildhall demo`. The pictures are WebP, cut at 1,100 pixels.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser } from './support/browser.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = resolve(process.env.GUILDHALL_BIN ?? join(ROOT, 'target/debug/guildhall'));
const FOLDER = resolve(process.argv[2] ?? join(ROOT, 'docs/screenshots'));
const PORT = Number(process.env.PORT ?? 18_470);
const SITE = `http://127.0.0.1:${PORT}`;
const PASSWORD = 'a long password for pictures';
const HEIGHT_MAX = 1_100;
const QUALITY = 45;
const LOOKS = [
  { name: 'light', colorScheme: 'light', width: 1_180 },
  { name: 'dark', colorScheme: 'dark', width: 1_180 },
  { name: 'narrow', colorScheme: 'light', width: 390 },
];

const data = mkdtempSync(join(tmpdir(), 'guildhall-pictures-'));
const run = (...args) => JSON.parse(execFileSync(BIN, [...args, '--data-dir', data, '--json'], { encoding: 'utf8' }));

/** The server, once it answers. */
async function serve() {
  const server = spawn(BIN, ['serve', '--data-dir', data, '--listen', `127.0.0.1:${PORT}`], { stdio: 'ignore' });
  for (let tries = 0; tries < 300; tries += 1) {
    if (await fetch(`${SITE}/healthz`).then((answer) => answer.ok, () => false)) return server;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('the server does not answer');
}

/** Takes the page that is open in every look. */
async function picture(page, name) {
  const session = await page.context().newCDPSession(page);
  for (const look of LOOKS) {
    await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width: look.width, height: 700 });
    const whole = await page.evaluate(() => document.documentElement.scrollHeight);
    const height = Math.min(Math.max(whole, 400), HEIGHT_MAX);
    const clip = { x: 0, y: 0, width: look.width, height, scale: 1 };
    const taken = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY, clip, captureBeyondViewport: true });
    writeFileSync(join(FOLDER, `${name}-${look.name}.webp`), Buffer.from(taken.data, 'base64'));
  }
  await session.detach();
  await page.setViewportSize({ width: 1_180, height: 700 });
}

/** The first link of the page that is open whose address looks like this. */
const link = (page, pattern) =>
  page.evaluate((source) => [...document.links].map((a) => a.getAttribute('href')).find((href) => new RegExp(source).test(href)), pattern);

async function dashboard(page, app) {
  const base = `/dashboard/apps/${app}/sandbox`;
  const open = (path) => page.goto(`${SITE}${path}`);
  const take = async (name, path) => {
    await open(path);
    await picture(page, name);
  };
  /** A page that the one before links to. */
  const follow = async (name, from, pattern, more = '') => {
    await open(from);
    const path = await link(page, pattern);
    if (!path) throw new Error(`${from} has no link like ${pattern}`);
    await take(name, `${path}${more}`);
    return path;
  };

  const { link: setup } = run('operator', 'create', '--email', 'olivia@example.com', '--name', 'Olivia Operator');
  await open(new URL(setup).pathname + new URL(setup).search);
  await picture(page, 'setup');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('The same again').fill(PASSWORD);
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.waitForURL(/\/dashboard/);

  await take('apps', '/dashboard?all=on');
  await take('home', base);
  await take('home-live', `/dashboard/apps/${app}/live`);
  await take('members', `${base}/members`);
  const holder = await follow('contract', `${base}/contracts`, '/contracts/\\d+$');
  await take('contract-cancel', `${holder}/cancel`);
  const member = await link(await (async () => (await open(holder), page))(), '/members/mem_[^/]+$');
  await take('member', member);
  await take('member-delete', `${member}/delete`);
  await take('contract-new', `${member}/contracts/new`);
  await take('member-new', `${base}/members/new`);
  await take('members-import', `${base}/members/import`);
  await take('members-search', `${base}/members?q=a&order=email`);
  await take('contracts', `${base}/contracts`);
  await take('contracts-attention', `${base}/contracts?attention=yes`);
  await take('renewals', `${base}/renewals`);
  await take('clock', `${base}/clock`);
  await take('clock-live', `/dashboard/apps/${app}/live/clock`);
  await take('plans', `${base}/plans`);
  await follow('plan', `${base}/plans`, '/plans/pln_[^/]+$');
  await take('tables', `${base}/tables`);
  const table = await follow('records', `${base}/tables`, '/tables/[^/]+$');
  await take('table-schema', `${table}/schema`);
  await take('record-new', `${table}/records/new`);
  await follow('record', table, '/records/(?!new)[^/?]+$');
  await take('events', `${base}/events`);
  await take('mails', `${base}/mails`);
  await take('audit', `${base}/audit`);
  await take('key-new', `${base}/settings/keys/new`);
  await page.getByLabel('Name').fill('Site server');
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.getByLabel('The key').waitFor();
  await page.evaluate(() => {
    const field = document.querySelector('input[readonly]');
    if (field) field.value = `${field.value.slice(0, 12)}…`;
  });
  await picture(page, 'key-created');
  await take('keys', `${base}/settings/keys`);
  const key = await follow('key', `${base}/settings/keys`, '/settings/keys/key_[^/]+$');
  await take('key-revoke', `${key}/revoke`);
  await take('key-rotate', `${key}/rotate`);
  await take('settings', `${base}/settings`);
  await take('custom-fields', `${base}/settings/fields`);
  await take('permissions', `${base}/settings/permissions`);
  await take('mail-templates', `${base}/settings/mail-templates`);
  await follow('mail-template', `${base}/settings/mail-templates`, '/mail-templates/[^/]+$');
  await take('team', `${base}/settings/team`);
  await take('account', '/dashboard/account');
  await take('health', '/dashboard/server');
  await take('partners', '/dashboard/server/partners');
  await take('app-new', '/dashboard/server/apps/new');
  return holder;
}

async function portal(page, app, contract) {
  const { key } = run('key', 'create', '--app', app, '--kind', 'store', '--env', 'sandbox', '--name', 'Pictures');
  const ask = async (path) => (await fetch(`${SITE}/api/external/v2/${path}`, { headers: { 'x-api-key': key } })).json();
  const shown = await ask(`subscription-contracts/contract-external/${/\d+$/.exec(contract)[0]}`);
  const customer = /\d+$/.exec(shown.customer.id)[0];
  const { manageSubscriptionLink: opens } = await ask(`manage-subscription-link/${customer}`);
  const address = new URL(opens, SITE);
  await page.goto(`${SITE}${address.pathname}${address.search}`);
  await picture(page, 'portal');
  const cancel = await link(page, '/cancel$');
  if (cancel) {
    await page.goto(`${SITE}${cancel}`);
    await picture(page, 'portal-cancel');
  }
}

/** A page that shows all of them. */
function index() {
  const names = [...new Set(readdirSync(FOLDER).map((file) => /^(.*)-(?:light|dark|narrow)\.webp$/.exec(file)?.[1]).filter(Boolean))].sort();
  const row = (name) => `| ${name} | ${LOOKS.map((look) => `<img src="${name}-${look.name}.webp" alt="${name}, ${look.name}" width="${look.width > 500 ? 360 : 140}">`).join(' | ')} |`;
  const head = '# Every page\n\nWith the data of `guildhall demo`; made by `node tests/browser/screenshots.mjs`.\n\n| | light | dark | narrow |\n|---|---|---|---|\n';
  writeFileSync(join(FOLDER, 'README.md'), `${head}${names.map(row).join('\n')}\n`);
}

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
const server = await serve();
const browser = await openBrowser();
try {
  const [{ id: app }] = run('app', 'list');
  run('demo', '--app', app, '--env', 'sandbox');
  run('demo', '--app', app, '--env', 'live', '--members', '2000');
  const page = await browser.context.newPage();
  const contract = await dashboard(page, app);
  await portal(page, app, contract);
  await page.context().clearCookies();
  await page.goto(`${SITE}/dashboard/sign-in`);
  await picture(page, 'sign-in');
  index();
} finally {
  await browser.close();
  server.kill();
  rmSync(data, { recursive: true, force: true });
}
