// `@memberstack/dom`, unmodified, in Chromium on a page of another origin.

import { after, before, describe, test } from 'node:test';
import { createAdminOnlyPlan, createFreePlan, createPaidPlan, openApp } from '../clients/support/app.mjs';
import assert from '../clients/support/assert.mjs';
import { guildhall, guildhallJson } from '../clients/support/command.mjs';
import { serverUrl } from '../clients/support/environment.mjs';
import { secret } from '../clients/support/ledger.mjs';
import { openBrowser, openSite, openTab } from './support/browser.mjs';
import { codeFor, linkFor, mailsTo } from './support/mailbox.mjs';

const PASSWORD = secret('a-long-password');
const NEW_PASSWORD = secret('another-password');
const EMAIL = 'ada@example.com';
const TWO_WEEKS_MS = 14 * 24 * 3600 * 1000;

describe('the browser SDK', () => {
  let app;
  let site;
  let browser;
  let tab;
  let plans;

  const refused = async (code, ...call) => assert.equal((await tab.call(...call)).error?.code, code, call[0]);

  /** A token that the page stores is a secret of this run. */
  const signedIn = async ({ data, error }) => {
    assert.equal(error, undefined, JSON.stringify(error));
    secret(data.tokens.accessToken);
    assert.equal(await tab.stored('_ms-mid'), data.tokens.accessToken);
    return data;
  };

  const logIn = async (password) =>
    signedIn(await tab.call('loginMemberEmailPassword', { email: EMAIL, password }));

  before(async () => {
    app = await openApp('browser');
    const publicKey = await guildhallJson(
      ...['key', 'create', '--app', app.id, '--kind', 'public', '--env', 'sandbox', '--name', 'page', '--rate-limit', 'none'],
    );
    plans = {
      free: (await createFreePlan(app.id, 'Free')).id,
      paid: (await createPaidPlan(app.id, 'Paid')).id,
      adminOnly: (await createAdminOnlyPlan(app.id, 'Staff')).id,
    };
    await guildhall('custom-field', 'create', '--app', app.id, '--key', 'admin-note', '--label', 'Note', '--restrict-to-admin');
    site = await openSite();
    browser = await openBrowser();
    tab = await openTab(browser, site, { publicKey: publicKey.key, domain: serverUrl() });
  });

  after(async () => {
    assert.deepEqual(tab?.rejections, [], 'the page threw nothing');
    await browser?.close();
    site?.close();
  });

  test('opening a page tells it the app, no member, and a session id that it keeps', async () => {
    const { data } = await tab.call('getAppAndMember');
    assert.equal(data.app.id, app.id);
    assert.equal(data.member, null);
    const session = await tab.stored('ms_session_id');
    assert.ok(session && session !== 'undefined' && session.length <= 26, session);
    assert.deepEqual(await tab.call('getCurrentMember'), { data: null });
    const { data: shown } = await tab.call('getApp');
    assert.equal(shown.mode, 'sandbox');
    assert.ok((await tab.call('getPlans')).data.some((plan) => plan.id === plans.free));
    assert.equal((await tab.call('getPlan', { planId: plans.free })).data.id, plans.free);
    await refused('plan-not-found', 'getPlan', { planId: 'pln_unknown' });
  });

  test('sign up', async () => {
    await refused('invalid-password-too-short', 'signupMemberEmailPassword', { email: EMAIL, password: 'short' });
    await refused('invalid-email', 'signupMemberEmailPassword', { email: 'nonsense', password: PASSWORD });
    const data = await signedIn(
      await tab.call('signupMemberEmailPassword', {
        email: EMAIL,
        password: PASSWORD,
        customFields: { 'first-name': 'Ada', nope: 1, 'admin-note': 'x' },
        metaData: { source: 'test' },
        plans: [{ planId: plans.free }, { planId: plans.paid }],
      }),
    );
    assert.ok(Math.abs(data.tokens.expires - Date.now() - TWO_WEEKS_MS) < 60_000);
    assert.match(data.member.id, /^mem_sb_/);
    assert.deepEqual(data.member.customFields, { 'first-name': 'Ada' });
    assert.deepEqual(data.member.metaData, { source: 'test' });
    assert.deepEqual(data.member.planConnections.map((held) => held.planId), [plans.free]);
    await refused('email-already-in-use', 'signupMemberEmailPassword', { email: 'ADA@example.com', password: PASSWORD });
  });

  test('log out, and log in again', async () => {
    assert.deepEqual((await tab.call('logout')).data, {});
    assert.equal(await tab.stored('_ms-mid'), null);
    assert.deepEqual(await tab.call('getCurrentMember'), { data: null });
    await refused('invalid-credentials', 'loginMemberEmailPassword', { email: EMAIL, password: 'not-the-password' });
    await refused('invalid-credentials', 'loginMemberEmailPassword', { email: 'nobody@example.com', password: PASSWORD });
    const { member } = await logIn(PASSWORD);
    await tab.reload();
    const { data } = await tab.call('getCurrentMember', { useCache: false });
    assert.equal(data.id, member.id);
    assert.equal(data.auth.hasPassword, true);
    assert.deepEqual(data.auth.providers, []);
    assert.equal(JSON.parse(await tab.stored('_ms-mem')).id, member.id);
  });

  test('update custom fields', async () => {
    const customFields = { 'first-name': 'Augusta', nope: 1, 'admin-note': 'x' };
    const { data } = await tab.call('updateMember', { customFields });
    assert.deepEqual(data.customFields, { 'first-name': 'Augusta' });
  });

  test('read and replace the JSON', async () => {
    assert.deepEqual((await tab.call('getMemberJSON')).data, {});
    assert.deepEqual((await tab.call('updateMemberJSON', { json: { a: { b: [1, 2] } } })).data, { a: { b: [1, 2] } });
    assert.deepEqual((await tab.call('updateMemberJSON', { json: { c: 1 } })).data, { c: 1 });
    assert.deepEqual((await tab.call('getMemberJSON')).data, { c: 1 });
    const { data: seen } = await app.sandbox.members.retrieve({ email: EMAIL });
    assert.deepEqual(seen.json, { c: 1 });
  });

  test('remove and add a free plan', async () => {
    const removed = await tab.call('removePlan', { planId: plans.free });
    assert.deepEqual(removed.data.member.planConnections, []);
    await refused('no-plan-found', 'removePlan', { planId: plans.free });
    const added = await tab.call('addPlan', { planId: plans.free });
    assert.deepEqual(added.data.member.planConnections.map((held) => held.status), ['ACTIVE']);
    assert.equal(added.data.redirect, '');
    assert.equal(added.data.app.id, app.id);
    await refused('already-have-plan', 'addPlan', { planId: plans.free });
    await refused('plan-not-free', 'addPlan', { planId: plans.paid });
    await refused('plan-restricted-to-admin', 'addPlan', { planId: plans.adminOnly });
  });

  test('change the password and the address', async () => {
    await refused('invalid-password', 'updateMemberAuth', { oldPassword: 'not-the-password', newPassword: NEW_PASSWORD });
    await refused('required-field-missing', 'updateMemberAuth', {});
    const changed = await tab.call('updateMemberAuth', { oldPassword: PASSWORD, newPassword: NEW_PASSWORD });
    assert.equal(changed.data.auth.email, EMAIL);
    const moved = await tab.call('updateMemberAuth', { email: 'ada@new.example' });
    assert.equal(moved.data.auth.email, 'ada@new.example');
    assert.equal(moved.data.verified, false);
    assert.equal((await mailsTo(app.id, EMAIL)).length, 1, 'the old address is told');
    assert.equal((await tab.call('updateMemberAuth', { email: EMAIL })).data.auth.email, EMAIL);
    await logIn(NEW_PASSWORD);
  });

  test('verify the address by the mailed link', async () => {
    assert.deepEqual((await tab.call('sendMemberVerificationEmail')).data, { success: true });
    const page = await browser.context.newPage();
    await page.goto(await linkFor(app.id, EMAIL));
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByText('is confirmed').waitFor();
    assert.equal(await page.getByRole('link').getAttribute('href'), site.url);
    await page.close();
    assert.equal((await tab.call('getCurrentMember', { useCache: false })).data.verified, true);
  });

  test('reset the password by the mailed code', async () => {
    const unknown = await tab.call('sendMemberResetPasswordEmail', { email: 'nobody@example.com' });
    const known = await tab.call('sendMemberResetPasswordEmail', { email: EMAIL });
    assert.equal(typeof known.data, 'string');
    assert.deepEqual(known, unknown, 'the answer does not tell whether there is such a member');
    const token = await codeFor(app.id, EMAIL);
    const wrong = String((Number(token) + 1) % 1_000_000).padStart(6, '0');
    await refused('invalid-reset-code', 'resetMemberPassword', { token: wrong, newPassword: PASSWORD });
    await refused('invalid-password-too-short', 'resetMemberPassword', { token, newPassword: 'short' });
    assert.deepEqual((await tab.call('resetMemberPassword', { token, newPassword: PASSWORD })).data, { success: true });
    await refused('invalid-reset-code', 'resetMemberPassword', { token, newPassword: PASSWORD });
    assert.deepEqual(await tab.call('getCurrentMember', { useCache: false }), { data: null }, 'its sessions are ended');
    await refused('invalid-credentials', 'loginMemberEmailPassword', { email: EMAIL, password: NEW_PASSWORD });
    await logIn(PASSWORD);
    await tab.call('logout');
  });

  test('log in without a password', async () => {
    await refused('member-not-found', 'sendMemberLoginPasswordlessEmail', { email: 'nobody@example.com' });
    assert.deepEqual((await tab.call('sendMemberLoginPasswordlessEmail', { email: EMAIL })).data, { success: true });
    const passwordlessToken = await codeFor(app.id, EMAIL);
    const code = 'invalid-passwordless-login-code';
    await refused(code, 'loginMemberPasswordless', { email: 'nobody@example.com', passwordlessToken });
    await signedIn(await tab.call('loginMemberPasswordless', { email: EMAIL, passwordlessToken }));
    await refused(code, 'loginMemberPasswordless', { email: EMAIL, passwordlessToken });
  });

  test('delete the account, where the site lets members do so', async () => {
    const { data: member } = await tab.call('getCurrentMember', { useCache: false });
    await guildhall('app', 'update', '--app', app.id, '--member-self-delete', 'off');
    const denied = await tab.call('deleteMember');
    assert.match(denied.error.message, /owner/);
    assert.equal((await app.sandbox.members.retrieve({ id: member.id })).data.id, member.id);
    await guildhall('app', 'update', '--app', app.id, '--member-self-delete', 'on');
    assert.deepEqual((await tab.call('deleteMember')).data, { id: member.id });
    assert.equal(await tab.stored('_ms-mem'), null);
    assert.equal((await app.sandbox.members.retrieve({ id: member.id })).data, null);
  });

  test('sign up without a password, and set one', async () => {
    const email = 'grace@example.com';
    await tab.call('logout');
    assert.deepEqual((await tab.call('sendMemberSignupPasswordlessEmail', { email })).data, { success: true });
    const passwordlessToken = await codeFor(app.id, email);
    const { member } = await signedIn(await tab.call('signupMemberPasswordless', { email, passwordlessToken }));
    assert.equal(member.auth.hasPassword, false);
    assert.equal(member.verified, true);
    await refused('email-already-in-use', 'sendMemberSignupPasswordlessEmail', { email });
    assert.equal((await tab.call('setPassword', { password: PASSWORD })).data.auth.hasPassword, true);
    await tab.call('logout');
    await signedIn(await tab.call('loginMemberEmailPassword', { email, password: PASSWORD }));
  });

  test('a member that the site deletes is logged out at the next look', async () => {
    const { data: member } = await tab.call('getCurrentMember', { useCache: false });
    await app.sandbox.members.delete({ id: member.id });
    assert.deepEqual(await tab.call('getCurrentMember', { useCache: false }), { data: null });
    assert.equal(await tab.stored('_ms-mid'), null);
  });

  test('a session kept in a cookie, by app id on live', async () => {
    const other = await openTab(browser, site, { appId: app.id, domain: serverUrl(), useCookies: true });
    const { data } = await other.call('signupMemberEmailPassword', { email: EMAIL, password: PASSWORD });
    secret(data.tokens.accessToken);
    assert.match(data.member.id, /^mem_(?!sb_)/);
    const cookies = await browser.context.cookies(site.url);
    assert.ok(cookies.some(({ name, value }) => name === '_ms-mid' && value === data.tokens.accessToken));
    await other.reload();
    assert.equal((await other.call('getCurrentMember', { useCache: false })).data.id, data.member.id);
    assert.deepEqual(other.rejections, []);
    await other.close();
  });
});
