// The data-table methods of `@memberstack/dom`, under each access rule.

import { after, before, describe, test } from 'node:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApp } from '../clients/support/app.mjs';
import assert from '../clients/support/assert.mjs';
import { guildhallJson } from '../clients/support/command.mjs';
import { runDir, serverUrl } from '../clients/support/environment.mjs';
import { secret } from '../clients/support/ledger.mjs';
import { openBrowser, openSite, openTab } from './support/browser.mjs';

const PASSWORD = secret('a-long-password');
const RULES = ['PUBLIC', 'AUTHENTICATED', 'AUTHENTICATED_OWN', 'ADMIN_ONLY'];

describe('data tables in the browser SDK', () => {
  let app;
  let site;
  let browser;
  let tab;
  const table = (rule) => rule.toLowerCase();

  async function createTable(key, rule) {
    const file = join(runDir(), `${key}.json`);
    const rules = { createRule: rule, readRule: rule, updateRule: rule, deleteRule: rule };
    const fields = [
      { key: 'title', name: 'Title', type: 'TEXT', required: true },
      { key: 'score', name: 'Score', type: 'DECIMAL' },
      { key: 'fans', name: 'Fans', type: 'MEMBER_REFERENCE_MANY' },
    ];
    writeFileSync(file, JSON.stringify({ key, name: key, ...rules, fields }));
    await guildhallJson('table', 'create', '--app', app.id, '--file', file);
  }

  const codeOf = async (...call) => (await tab.call(...call)).error?.code;

  async function become(email) {
    await tab.call('logout');
    const { data, error } = await tab.call('loginMemberEmailPassword', { email, password: PASSWORD });
    assert.equal(error, undefined);
    secret(data.tokens.accessToken);
    return data.member.id;
  }

  /** A record that Ada owns in the table of this rule, made by the site. */
  async function adasRecord(rule, owner) {
    const response = await fetch(`${serverUrl()}/v2/data-tables/${table(rule)}/records`, {
      method: 'POST',
      headers: { 'x-api-key': app.sandbox.key, 'content-type': 'application/json' },
      body: JSON.stringify({ data: { title: "Ada's", score: '9.5' }, memberId: owner }),
    });
    return (await response.json()).data.id;
  }

  /** What each method comes to: a code, or nothing where it is allowed. */
  async function tryAll(rule, recordId) {
    const name = table(rule);
    return {
      create: await codeOf('createDataRecord', { table: name, data: { title: 'new' } }),
      query: await codeOf('queryDataRecords', { table: name, query: {} }),
      list: await codeOf('getDataRecords', { table: name, limit: 10, sortBy: 'createdAt', sortDirection: 'DESC' }),
      get: await codeOf('getDataRecord', { table: name, recordId }),
      update: await codeOf('updateDataRecord', { recordId, data: { title: 'changed' } }),
      delete: await codeOf('deleteDataRecord', { recordId }),
    };
  }

  const all = (code) =>
    Object.fromEntries(['create', 'query', 'list', 'get', 'update', 'delete'].map((call) => [call, code]));

  before(async () => {
    app = await openApp('data tables');
    for (const rule of RULES) await createTable(table(rule), rule);
    const about = ['--app', app.id, '--kind', 'public', '--env', 'sandbox', '--name', 'page', '--rate-limit', 'none'];
    const { key } = await guildhallJson('key', 'create', ...about);
    site = await openSite();
    browser = await openBrowser();
    tab = await openTab(browser, site, { publicKey: key, domain: serverUrl() });
    for (const email of ['ada@example.com', 'eve@example.com']) {
      const { data } = await tab.call('signupMemberEmailPassword', { email, password: PASSWORD });
      secret(data.tokens.accessToken);
      await tab.call('logout');
    }
  });

  after(async () => {
    assert.deepEqual(tab?.rejections, []);
    await browser?.close();
    site?.close();
  });

  for (const rule of RULES) {
    test(`${rule}: a stranger, another member and the owner`, async () => {
      const ada = await become('ada@example.com');
      await tab.call('logout');
      const stranger = { PUBLIC: undefined, ADMIN_ONLY: 'access-denied' };
      const forStranger = rule in stranger ? stranger[rule] : 'login-required';
      assert.deepEqual(await tryAll(rule, await adasRecord(rule, ada)), all(forStranger), 'a stranger');
      await become('eve@example.com');
      const forMember = all(rule === 'ADMIN_ONLY' ? 'access-denied' : undefined);
      if (rule === 'AUTHENTICATED_OWN') {
        Object.assign(forMember, { get: 'data-record-not-found', update: 'access-denied', delete: 'access-denied' });
      }
      assert.deepEqual(await tryAll(rule, await adasRecord(rule, ada)), forMember, 'another member');
      await become('ada@example.com');
      const forOwner = all(rule === 'ADMIN_ONLY' ? 'access-denied' : undefined);
      assert.deepEqual(await tryAll(rule, await adasRecord(rule, ada)), forOwner, 'the owner');
    });
  }

  test('tables are listed with what the member may read of them', async () => {
    const { data } = await tab.call('getDataTables');
    assert.deepEqual(data.tables.map((one) => one.key).sort(), RULES.filter((rule) => rule !== 'ADMIN_ONLY').map(table).sort());
    const one = await tab.call('getDataTable', { table: 'authenticated_own' });
    const { data: own } = await tab.call('queryDataRecords', { table: 'authenticated_own', query: { _count: true } });
    assert.equal(one.data.recordCount, own._count);
    assert.equal(await codeOf('getDataTable', { table: 'admin_only' }), 'data-table-not-found');
  });

  test('a record from its creation to its end', async () => {
    const me = (await tab.call('getCurrentMember')).data.id;
    const name = 'authenticated_own';
    const { data: made } = await tab.call('createDataRecord', { table: name, data: { title: 'mine', score: '1.25' } });
    assert.equal(made.createdByMemberId, me);
    assert.equal(made.activeMemberOwnsIt, true);
    const { data: read } = await tab.call('getDataRecord', { table: name, recordId: made.id });
    assert.deepEqual([read.data.title, read.data.score, read.activeMemberOwnsIt], ['mine', 1.25, true]);
    const { data: changed } = await tab.call('updateDataRecord', { recordId: made.id, data: { title: 'still mine' } });
    assert.equal(changed.data.title, 'still mine');
    const found = await tab.call('queryDataRecords', {
      table: name,
      query: { where: { title: { equals: 'still mine' } }, orderBy: { internalOrder: 'asc' }, take: 5 },
    });
    assert.deepEqual(found.data.records.map((record) => record.id), [made.id]);
    assert.equal(await codeOf('createDataRecord', { table: name, data: {} }), 'required-field-missing');
    assert.deepEqual((await tab.call('deleteDataRecord', { recordId: made.id })).data, { id: made.id });
    assert.equal(await codeOf('getDataRecord', { table: name, recordId: made.id }), 'data-record-not-found');
  });

  test("a member joins and leaves another's record", async () => {
    const ada = (await tab.call('getCurrentMember')).data.id;
    const recordId = await adasRecord('AUTHENTICATED_OWN', ada);
    await become('eve@example.com');
    const link = (verb) => ({ recordId, data: { fans: { [verb]: { self: true } } } });
    assert.equal(await codeOf('updateDataRecord', link('connect')), undefined);
    assert.equal(await codeOf('updateDataRecord', link('disconnect')), undefined);
    assert.equal(await codeOf('updateDataRecord', { recordId, data: { title: 'hers' } }), 'access-denied');
  });
});
