// The dashboard in Chromium: an operator's walk, once with scripts and once without, and every page under axe.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openApp, sdk } from '../clients/support/app.mjs';
import assert from '../clients/support/assert.mjs';
import { guildhall, guildhallJson } from '../clients/support/command.mjs';
import { environmentKeeping, program, serverUrl } from '../clients/support/environment.mjs';
import { secret } from '../clients/support/ledger.mjs';
import { openBrowser } from './support/browser.mjs';
import { openShop } from './support/contracts.mjs';
import { assertAccessible, choosePassword, newOperator } from './support/operator.mjs';

for (const javaScriptEnabled of [true, false]) {
  describe(`the dashboard, scripts ${javaScriptEnabled ? 'on' : 'off'}`, () => {
    let app;
    let browser;
    let context;
    let page;
    let base;
    const errors = [];

    const heading = (name) => page.getByRole('heading', { level: 1, name });
    const shownKey = async () => secret(await page.getByLabel('The key').inputValue());
    const open = (path) => page.goto(`${serverUrl()}${base}${path}`);

    before(async () => {
      app = await openApp(`dashboard ${javaScriptEnabled}`);
      base = `/dashboard/apps/${app.id}/sandbox`;
      browser = await openBrowser();
      context = await browser.context.browser().newContext({ javaScriptEnabled });
      page = await context.newPage();
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      const { link } = await newOperator('--app', app.id);
      await choosePassword(page, link);
    });

    after(async () => {
      const ours = errors.filter((text) => !/status of 4\d\d/.test(text));
      assert.deepEqual(ours, [], 'the pages threw nothing and met no policy');
      await browser?.close();
    });

    test('the link leads to the only app, and works once', async () => {
      assert.equal(new URL(page.url()).pathname, base);
      await heading('Home').waitFor();
      assert.match(await page.getByRole('region', { name: 'Environment' }).innerText(), /sandbox/i);
    });

    test('a key is made, used, seen to be used, rotated and revoked', async () => {
      await page.getByRole('link', { name: 'API keys' }).click();
      await page.getByRole('link', { name: 'New key' }).first().click();
      await page.getByLabel('Name').fill('Site server');
      await page.getByRole('button', { name: 'Create key' }).click();
      await heading('Your new key').waitFor();
      const key = await shownKey();
      assert.match(key, /^sk_sb_[0-9A-Za-z]{38}$/);
      await page.getByRole('link', { name: 'I have copied it' }).click();
      const row = page.getByRole('row', { name: /Site server/ });
      assert.match(await row.innerText(), /Never/);

      const { data: member } = await sdk(key).members.create({ email: 'ada@example.com', password: 'a-long-password' });
      assert.match(member.id, /^mem_sb_/);
      // The server writes down uses every two seconds.
      for (;;) {
        await page.reload();
        if (!/Never/.test(await row.innerText())) break;
        await page.waitForTimeout(200);
      }
      assert.match(await row.innerText(), /just now|second/);

      await row.getByRole('link', { name: 'Rotate' }).click();
      await page.getByRole('button', { name: 'Create new key' }).click();
      const newer = await shownKey();
      assert.notEqual(newer, key);
      assert.equal((await sdk(newer).members.list()).totalCount, 1);
      assert.equal((await sdk(key).members.list()).totalCount, 1);
      await page.getByRole('link', { name: 'I have switched' }).click();
      await page.getByRole('button', { name: 'Revoke the old key' }).click();
      await page.getByText('The key is revoked').waitFor();
      await assert.rejects(sdk(key).members.list());
      assert.equal((await sdk(newer).members.list()).totalCount, 1);

      await page.getByRole('row', { name: /Site server/ }).getByRole('link', { name: 'Revoke' }).click();
      await page.getByText('stops working at its next request').waitFor();
      await page.getByRole('button', { name: 'Revoke key' }).click();
      await page.getByText('The key is revoked').waitFor();
      await assert.rejects(sdk(newer).members.list());
    });

    test('a member is made, changed, given a plan and found again', async () => {
      await open('/plans');
      await page.getByLabel('Name').fill('Friends');
      await page.getByRole('button', { name: 'Create plan' }).click();
      await heading('Friends').waitFor();
      await open('/members/new');
      await page.getByLabel('Email').fill('Grace@example.com');
      await page.getByLabel('Password').fill(secret('a-long-password-for-grace'));
      await page.getByLabel('First Name').fill('Grace');
      await page.getByRole('button', { name: 'Create member' }).click();
      await heading('Grace').waitFor();
      await page.getByLabel('Last Name').fill('Hopper');
      await page.getByText('Member JSON').first().click();
      await page.locator('textarea[name=json]').fill('{"rank": "Rear admiral"}');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Saved.').waitFor();
      await heading('Grace Hopper').waitFor();
      await page.getByLabel('Free plan').selectOption({ label: 'Friends' });
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      await page.getByText('The plan is added').waitFor();
      assert.match(await page.getByRole('region', { name: 'Audit entries' }).innerText(), /member\.plan\.add/);

      await page.locator('textarea[name=json]').fill('{"rank":');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('alert').waitFor();
      assert.equal(await page.locator('textarea[name=json]').inputValue(), '{"rank":');

      await open('/members?q=gra');
      await page.getByRole('link', { name: 'Grace@example.com' }).waitFor();
      assert.equal(await page.getByRole('row').count(), 2);
      await open('/members?field=last-name&value=hopp');
      await page.getByRole('link', { name: 'Grace@example.com' }).waitFor();
    });

    test('a filter is saved, used and deleted', async () => {
      await open('/members?q=gra&order=oldest');
      await page.getByText('Save this filter').click();
      await page.getByLabel('Name').fill('All the Graces');
      await page.getByRole('button', { name: 'Save filter' }).click();
      await page.getByText('The filter is saved').waitFor();
      await open('/members');
      const saved = page.getByRole('navigation', { name: 'Saved filters' });
      await saved.getByRole('link', { name: 'All the Graces' }).click();
      await page.getByRole('link', { name: 'Grace@example.com' }).waitFor();
      assert.equal(await page.getByRole('row').count(), 2);
      assert.equal(await page.getByLabel('Email or id').inputValue(), 'gra');
      assert.equal(await page.getByText('Save this filter').count(), 0);
      await saved.getByRole('button', { name: 'Delete the filter All the Graces' }).click();
      await page.getByText('The filter is deleted').waitFor();
      assert.equal(await saved.count(), 0);
    });

    test('home shows what a contract brings', async () => {
      const { sell, cancel } = await openShop(app.id);
      const sold = [await sell(501, '20.00', 'fake_succeeds'), await sell(502, '5.00', 'fake_declined')];
      const tile = (name) => page.locator('.stat').filter({ hasText: name });
      // The server looks every second whether something is due.
      for (;;) {
        await open('?days=91');
        if (/1 contract being tried again/.test(await tile('Failed charges').innerText()) && (await page.getByRole('img', { name: /^Collected by week/ }).count())) break;
        await page.waitForTimeout(200);
      }
      assert.match(await tile('Active contracts').innerText(), /2$/);
      assert.match(await tile('Monthly recurring revenue').innerText(), /25\.00 USD/);
      await page.getByRole('img', { name: /^Collected by week, USD: 20\.00 USD from/ }).waitFor();
      await page.getByRole('navigation', { name: 'Period of the plots' }).getByRole('link', { name: '30 days' }).click();
      await page.getByRole('img', { name: /^Collected by day, USD/ }).waitFor();
      await page.getByRole('img', { name: /^Active contracts: 0 on .*, 2 on / }).waitFor();
      // The clock is moved later on: nothing of these is to fall due then.
      for (const number of sold) await cancel(number);
    });

    test('a price is added with a trial, and retired', async () => {
      await open('/plans');
      await page.getByLabel('Name').fill('Gold');
      await page.getByLabel('Price (empty: free)').fill('12.50');
      await page.getByLabel('Trial (days)').fill('14');
      await page.getByRole('button', { name: 'Create plan' }).click();
      await page.getByText('first 14 days free').waitFor();
      await page.getByRole('button', { name: /^Retire/ }).click();
      await page.getByText('The price is retired').waitFor();
      await page.getByRole('button', { name: /^Offer again/ }).click();
      await page.getByText('The price is offered again').waitFor();
    });

    test('members come in from a file and go out into one', async () => {
      await open('/members/import');
      const csv = 'Mail,First Name,Town\nlinus@example.com,Linus,Espoo\nnonsense,Nobody,Nowhere\nradia@example.com,Radia,Boston\n';
      await page.getByLabel('CSV file').setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
      await page.getByRole('button', { name: 'Upload' }).click();
      await page.getByLabel('Mail means').selectOption('email');
      await page.getByRole('button', { name: 'Try it' }).click();
      await page.getByText('2 of 3 rows would be taken, 1 refused').waitFor();
      assert.match(await page.getByRole('region', { name: 'Refused lines' }).innerText(), /3\s+.*email/i);
      await page.getByRole('button', { name: 'Take the members' }).click();
      await page.getByText('2 members are taken, 1 rows refused').waitFor();
      await open('/members');
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export' }).click()]);
      const text = (await download.createReadStream().then((stream) => stream.toArray())).join('');
      assert.match(text, /linus@example\.com/);
      assert.doesNotMatch(text, /argon2|nonsense/);
    });

    test('a table gets two fields and a reference, and records are edited', async () => {
      const makeTable = async (name, key) => {
        await open('/tables');
        await page.getByLabel('Name').fill(name);
        await page.getByLabel('Key').fill(key);
        await page.getByRole('button', { name: 'Create table' }).click();
        await heading(name).waitFor();
      };
      const addField = async (key, type, target) => {
        const form = page.getByRole('form', { name: 'New field' });
        await form.getByLabel('Key').fill(key);
        await form.getByLabel('Type').selectOption(type);
        if (target) await form.getByLabel('Points at').selectOption(target);
        await form.getByRole('button', { name: 'Add field' }).click();
        await page.getByRole('row', { name: new RegExp(key) }).waitFor();
      };
      await makeTable('Authors', 'authors');
      await addField('name', 'TEXT_FILTERABLE');
      await makeTable('Books', 'books');
      await addField('title', 'TEXT_FILTERABLE');
      await addField('pages', 'NUMBER');
      await addField('author', 'REFERENCE', 'authors');
      const newRecord = async (table, values) => {
        await open(`/tables/${table}/records/new`);
        for (const [label, value] of Object.entries(values)) await page.getByLabel(label).fill(value);
        await page.getByRole('button', { name: 'Create record' }).click();
        await page.getByText('Created.').waitFor();
      };
      await newRecord('authors', { name: 'Ursula' });
      const author = new URL(page.url()).pathname.split('/').at(-1);
      await newRecord('books', { title: 'The Dispossessed', pages: '340', author });
      await page.getByLabel('pages').fill('341');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Saved.').waitFor();
      await open('/tables/books?field=pages&test=gt&value=340');
      assert.match(await page.getByRole('row', { name: /Dispossessed/ }).innerText(), /341/);
      if (javaScriptEnabled) {
        const cell = page.getByRole('cell', { name: '341' });
        await cell.dblclick();
        await page.getByRole('textbox', { name: 'pages' }).fill('many');
        await page.keyboard.press('Enter');
        await page.waitForFunction(() => document.activeElement.validationMessage?.includes('pages'));
        await page.getByRole('textbox', { name: 'pages' }).fill('387');
        await page.keyboard.press('Enter');
        await page.getByRole('cell', { name: '387' }).waitFor();
        await page.reload();
        await page.getByRole('cell', { name: '387' }).waitFor();
      }
      await open('/tables/books?field=pages&test=equals&value=many');
      await page.getByRole('alert').waitFor();
    });

    test('a contract is made, paused and resumed', async () => {
      await open('/plans');
      await page.getByLabel('Name').fill('Studio');
      await page.getByLabel('Price (empty: free)').fill('24.50');
      await page.getByRole('button', { name: 'Create plan' }).click();
      await heading('Studio').waitFor();
      await open('/members?q=gra');
      await page.getByRole('link', { name: 'Grace@example.com' }).click();
      await page.getByRole('link', { name: 'New contract' }).click();
      await page.getByLabel('Plan and price').selectOption({ label: 'Studio: 24.50 USD every month' });
      await page.getByLabel('Paid with').selectOption('fake_succeeds');
      await page.getByRole('button', { name: 'Make contract' }).click();
      await heading(/Studio/).waitFor();
      const state = heading(/Studio/).locator('.badge');
      const charges = page.getByRole('region', { name: 'Charges' }).first();
      // What is due at once is charged by the server's own job.
      for (;;) {
        await open(new URL(page.url()).pathname.slice(base.length));
        if (/Paid/.test(await charges.innerText())) break;
        await page.waitForTimeout(200);
      }
      assert.equal(await state.innerText(), 'Active');
      await page.getByText('Pause', { exact: true }).first().click();
      await page.getByRole('button', { name: 'Pause', exact: true }).click();
      await page.getByText('The contract rests').waitFor();
      assert.equal(await state.innerText(), 'Paused');
      await open('/contracts?status=PAUSED');
      await page.getByRole('link', { name: 'Studio' }).click();
      await page.getByRole('button', { name: 'Resume' }).click();
      await page.getByText('The contract runs again').waitFor();
      assert.equal(await state.innerText(), 'Active');
      const told = await page.locator('.timeline > li > strong').allInnerTexts();
      assert.deepEqual(told, ['Resumed', 'Paused', 'Charged', 'Made']);
      await page.getByText('Move the next billing date').click();
      await page.getByLabel('Billed next on').fill('2001-01-01');
      await page.getByRole('button', { name: 'Move' }).click();
      assert.match(await page.getByRole('alert').innerText(), /must be in the future/);
      assert.equal(await page.getByLabel('Billed next on').inputValue(), '2001-01-01');
    });

    test('the clock is moved by the calendar, and the renewal is seen', async () => {
      await open('/contracts');
      const contract = await page.getByRole('rowheader').first().getByRole('link').getAttribute('href');
      await page.goto(`${serverUrl()}${contract}`);
      const next = await page.locator('dt', { hasText: 'Next billing' }).locator('+ dd time').getAttribute('datetime');
      await page.getByRole('link', { name: 'Sandbox clock' }).click();
      await heading('Sandbox clock').waitFor();
      while (!(await page.locator(`button[value="${next.slice(0, 10)}"]`).count())) {
        await page.getByRole('link', { name: 'Next month' }).click();
        await page.getByRole('heading', { level: 2, name: /20\d\d/ }).waitFor();
      }
      const day = page.locator(`button[value="${next.slice(0, 10)}"]`);
      assert.match(await day.textContent(), /To the end of \d+ \w+ \d{4}1 renewal/);
      await day.click();
      await page.getByText('1 charge made, 0 failed').waitFor();
      assert.match(await page.getByRole('region', { name: 'Environment' }).innerText(), /23:59 UTC/);
      await page.goto(`${serverUrl()}${contract}`);
      const told = await page.locator('.timeline > li > strong').allInnerTexts();
      assert.deepEqual(told.slice(0, 2), ['Charged', 'Resumed']);
      await open('/clock');
      await page.getByRole('button', { name: 'One week on' }).click();
      await page.getByText('Nothing was due').waitFor();
      await page.getByRole('button', { name: 'Release it' }).click();
      await page.getByText('goes by the real time again').waitFor();
    });

    test('the switch of environments cannot be overlooked', async () => {
      await open('/members');
      await page.getByRole('link', { name: 'Live', exact: true }).click();
      await page.waitForURL(/\/live\/members$/);
      assert.match(await page.getByRole('region', { name: 'Environment' }).innerText(), /live/i);
      await page.getByText('No members yet').waitFor();
    });

    test('signing out, and in again', async () => {
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('You are signed out').waitFor();
      await open('/members');
      await page.waitForURL(/sign-in\?next=/);
    });
  });
}

describe('the first start', () => {
  let browser;
  let server;
  const folder = mkdtempSync(join(tmpdir(), 'guildhall-first-start-'));

  before(async () => {
    browser = await openBrowser();
    server = spawn(program(), ['serve', '--data-dir', folder, '--listen', '127.0.0.1:0'], { env: environmentKeeping([]) });
  });

  after(async () => {
    server.kill('SIGTERM');
    await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
    await browser?.close();
  });

  test('prints a link that makes its reader the owner of the server, once', async () => {
    let printed = '';
    for (const stream of [server.stdout, server.stderr]) stream.on('data', (data) => (printed += data));
    while (!/"listening"/.test(printed)) await once(server.stderr, 'data');
    const address = printed.match(/"address":"([^"]+)"/)[1];
    const link = `http://${address}${printed.match(/\/dashboard\/setup\?token=\w+/)[0]}`;
    const page = await browser.context.newPage();
    await page.goto(link);
    await page.getByLabel('Your name').fill('Ada');
    await page.getByLabel('Email').fill('ada@example.com');
    await choosePassword(page);
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
    await page.getByRole('link', { name: 'System health' }).click();
    await page.getByRole('heading', { level: 1, name: 'System health' }).waitFor();
    await page.goto(link);
    await page.getByText('This link is not valid any more').waitFor();
  });
});

describe('every page of the dashboard', () => {
  let browser;
  let page;
  let base;
  const paths = [];

  before(async () => {
    const app = await openApp('dashboard pages');
    await guildhall('demo', '--app', app.id, '--env', 'sandbox', '--members', '20');
    base = `/dashboard/apps/${app.id}/sandbox`;
    browser = await openBrowser();
    page = await browser.context.newPage();
    const { link } = await newOperator();
    await page.goto(link);
    await assertAccessible(page, 'the page of a one-time link');
    await choosePassword(page, link);
    const { sell } = await openShop(app.id);
    for (const [customer, price, token] of [[901, '20.00', 'fake_succeeds'], [902, '5.00', 'fake_declined']]) await sell(customer, price, token);
    await page.goto(`${serverUrl()}${base}/members?q=ada`);
    await page.getByText('Save this filter').click();
    await page.getByLabel('Name').fill('Adas');
    await page.getByRole('button', { name: 'Save filter' }).click();
    await page.getByText('The filter is saved').waitFor();
    const [key] = await guildhallJson('key', 'list', '--app', app.id).then((keys) => keys.filter((key) => key.environment === 'sandbox'));
    const [plan] = await guildhallJson('plan', 'list', '--app', app.id);
    await page.goto(`${serverUrl()}${base}/members`);
    const member = await page.getByRole('rowheader').first().getByRole('link').getAttribute('href');
    await page.goto(`${serverUrl()}${base}/tables/posts`);
    const record = await page.getByRole('rowheader').first().getByRole('link').getAttribute('href');
    const here = (path) => `${base}${path}`;
    const contractOf = async (status) => {
      await page.goto(`${serverUrl()}${base}/contracts?${status}`);
      return page.getByRole('rowheader').first().getByRole('link').getAttribute('href');
    };
    // The oldest is one of the demo's, for which there is another price.
    await page.goto(`${serverUrl()}${base}/contracts?status=ACTIVE`);
    const running = await page.getByRole('rowheader').last().getByRole('link').getAttribute('href');
    const failing = await contractOf('attention=yes');
    const ended = await contractOf('status=CANCELLED');
    await page.goto(`${serverUrl()}${running}`);
    const price = await page.locator('select[name=price] option').first().getAttribute('value');
    paths.push(
      ...['/contracts', '/contracts?q=nobody', '/contracts?order=next', '/contracts?attention=yes', '/renewals', '/clock'].map(here),
      ...['/clock?from=0&since=0', '/clock?month=2031-03'].map(here),
      ...[running, failing, ended, `${running}/cancel`, `${running}/plan?price=${price}`, `${member}/contracts/new`],
      ...['contracts', 'renewals', 'clock'].map((page) => base.replace(/sandbox$/, `live/${page}`)),
    );
    paths.push(
      ...['', '?days=91', '?days=364', '/members?q=gr', '/members?order=oldest&q=ada'].map(here),
      ...['/settings/keys', '/settings/keys/new', `/settings/keys/${key.id}`, `/settings/keys/${key.id}/revoke`].map(here),
      ...[`/settings/keys/${key.id}/rotate`, '/members', '/members?q=ada', '/members?q=nobody@', '/members/new'].map(here),
      ...['/members/import', '/plans', `/plans/${plan.id}`, '/tables', '/tables/posts', '/tables/posts/schema'].map(here),
      ...['/tables/posts/schema?edit=title', '/tables/posts/records/new', '/events', '/mails', '/audit', '/settings'].map(here),
      ...['/settings/fields', '/settings/fields?edit=city', '/settings/permissions', '/settings/mail-templates'].map(here),
      ...['/settings/mail-templates/reset-code', '/settings/team', '/nowhere'].map(here),
      ...[member, `${member}/delete`, record, '/dashboard?all', '/dashboard/account', '/dashboard/server'],
      ...['/dashboard/server/partners', '/dashboard/server/apps/new', '/dashboard/sign-in', '/dashboard/setup?token=none'],
    );
  });

  after(() => browser?.close());

  test('has nothing serious or critical for axe, light or dark', async () => {
    for (const path of paths) {
      await page.goto(`${serverUrl()}${path}`);
      await assertAccessible(page, path);
    }
  });

  test('fits a narrow screen', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    for (const path of paths) {
      await page.goto(`${serverUrl()}${path}`);
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(beyond <= 0, `${path} is ${beyond} pixels too wide`);
    }
  });

  test('weighs less than 100 KB with its style and script', async () => {
    for (const path of paths) {
      const html = await page.request.get(`${serverUrl()}${path}`).then((response) => response.body());
      assert.ok(html.length < 100_000, `${path} weighs ${html.length}`);
    }
  });
});
