// The customer portal in Chromium: from the link that the API hands out to a cancelled membership, with scripts and without, and
// every page under axe, in light and dark and on a narrow screen.

import { after, before, describe, test } from 'node:test';
import { contractsOf } from '../appstle/support/contracts.mjs';
import { openStore } from '../appstle/support/store.mjs';
import assert from '../clients/support/assert.mjs';
import { serverUrl } from '../clients/support/environment.mjs';
import { secret } from '../clients/support/ledger.mjs';
import { openBrowser } from './support/browser.mjs';
import { linkFor } from './support/mailbox.mjs';
import { assertAccessible } from './support/operator.mjs';

/** The link on the address that the tests reach the server by. */
function here(link) {
  const { pathname, search } = new URL(link);
  secret(new URLSearchParams(search).get('token'));
  return `${serverUrl()}${pathname}${search}`;
}

async function linkTo({ ask }, customer) {
  const { body } = await ask(`manage-subscription-link/${customer}`);
  return here(body.manageSubscriptionLink);
}

for (const javaScriptEnabled of [true, false]) {
  describe(`the portal, scripts ${javaScriptEnabled ? 'on' : 'off'}`, () => {
    let store;
    let contracts;
    let browser;
    let page;
    const errors = [];

    before(async () => {
      store = await openStore(`portal-walk-${javaScriptEnabled}`);
      contracts = contractsOf(store);
      browser = await openBrowser();
      const context = await browser.context.browser().newContext({ javaScriptEnabled });
      page = await context.newPage();
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    });

    after(async () => {
      assert.deepEqual(errors.filter((text) => !/status of 4\d\d/.test(text)), [], 'the pages threw nothing and met no policy');
      await browser?.close();
    });

    test('link, pause, resume, skip, cancel, sign out', async () => {
      const { id, customer } = await contracts.create({ minCycles: 1 });
      const status = async () => (await contracts.external(id)).status;
      const link = await linkTo(contracts, customer);
      await page.goto(link);
      assert.equal(page.url(), `${serverUrl()}/portal`, 'the token does not stay in the address');
      await page.getByRole('heading', { level: 1, name: 'Your memberships' }).waitFor();
      assert.match(await page.getByRole('banner').innerText(), new RegExp(`c${customer}@example.com`));

      await page.getByRole('button', { name: /^Pause/ }).click();
      await page.getByRole('status').getByText('Your membership is paused.').waitFor();
      assert.equal(await status(), 'PAUSED');
      await page.getByRole('button', { name: /^Resume/ }).click();
      await page.getByRole('status').getByText('Your membership runs again.').waitFor();
      assert.equal(await status(), 'ACTIVE');

      await page.getByRole('button', { name: /^Skip the charge of/ }).click();
      await page.getByRole('status').getByText('The next charge is skipped.').waitFor();
      await page.getByRole('button', { name: /^Do not skip/ }).click();
      await page.getByRole('status').getByText('The charge is not skipped after all.').waitFor();

      await page.getByRole('link', { name: /^Cancel/ }).click();
      await page.getByText('Nothing more is charged.').waitFor();
      await page.getByRole('link', { name: 'Keep it' }).click();
      assert.equal(await status(), 'ACTIVE');
      await page.getByRole('link', { name: /^Cancel/ }).click();
      await page.getByLabel('Why do you cancel?').selectOption({ label: 'It is too expensive' });
      await page.getByLabel(/^Anything you would like to add/).fill('Perhaps later');
      await page.getByRole('button', { name: 'Cancel the membership' }).click();
      await page.getByRole('status').getByText('Your membership is cancelled.').waitFor();
      assert.equal(await status(), 'CANCELLED');
      const { cancellationFeedback, cancellationNote } = await contracts.row(id);
      assert.deepEqual([cancellationFeedback, cancellationNote], ['TOO_EXPENSIVE', 'Perhaps later']);

      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
      assert.equal((await page.goto(link)).status(), 410);
      await page.getByText('Ask for a new one').waitFor();
    });

    test('a mailed link, all by the keyboard', async () => {
      const { id, customer } = await contracts.create();
      await contracts.ask('subscription-contracts-email-magic-link', { email: `c${customer}@example.com` });
      await page.goto(here(await linkFor(store.id, `c${customer}@example.com`)));
      const pause = page.getByRole('button', { name: /^Pause/ });
      for (let presses = 0; presses < 20; presses += 1) {
        await page.keyboard.press('Tab');
        if (await pause.evaluate((button) => button === document.activeElement)) break;
      }
      await page.keyboard.press('Enter');
      await page.getByRole('status').getByText('Your membership is paused.').waitFor();
      assert.equal((await contracts.external(id)).status, 'PAUSED');
    });
  });
}

describe('every page of the portal', () => {
  let browser;
  let page;
  let paths;

  before(async () => {
    const store = await openStore('portal-pages');
    const contracts = contractsOf(store);
    const long = { lines: [{ variantId: 77, quantity: 2, currentPrice: '20.00' }, { variantId: 78, quantity: 1, currentPrice: '1234567.00' }] };
    const { id, customer } = await contracts.create({ ...long, minCycles: 2, maxCycles: 12 });
    const held = await contracts.create({ customerId: customer, minCycles: 5 });
    const over = await contracts.create({ customerId: customer });
    const paused = await contracts.create({ customerId: customer });
    await contracts.setStatus(over.id, 'CANCELLED');
    await contracts.setStatus(paused.id, 'PAUSED');
    await contracts.charge(id);
    await contracts.charge(id);
    browser = await openBrowser();
    page = await browser.context.newPage();
    await page.goto(await linkTo(contracts, customer));
    paths = ['/portal', '/portal?done=paused', `/portal/contracts/${id}/cancel`, `/portal/contracts/${held.id}/cancel`, '/portal/nowhere'];
  });

  after(() => browser?.close());

  test('has no serious fault under axe, light and dark', async () => {
    for (const path of paths) {
      await page.goto(`${serverUrl()}${path}`);
      for (const details of await page.locator('summary').all()) await details.click();
      await assertAccessible(page, path);
    }
    const stranger = await browser.context.browser().newContext();
    const elsewhere = await stranger.newPage();
    assert.equal((await elsewhere.goto(`${serverUrl()}/portal`)).status(), 401);
    await assertAccessible(elsewhere, 'without a link');
    await stranger.close();
  });

  test('fits 360 pixels', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    for (const path of paths) {
      await page.goto(`${serverUrl()}${path}`);
      for (const details of await page.locator('summary').all()) await details.click();
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(beyond <= 0, `${path} is ${beyond} pixels too wide`);
    }
  });
});
