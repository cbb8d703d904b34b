// Data tables made by the command line, and the few calls on their records that every file needs.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApp, sdk } from './app.mjs';
import { guildhallJson } from './command.mjs';
import { send } from './http.mjs';

/** Record and field ids are bare. */
export const BARE_ID = /^c[0-9a-z]{24}$/;

export const ISO_MILLISECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

export const NO_SUCH_TABLE = { code: 'data-table-not-found', message: 'Data table not found' };
export const NO_SUCH_RECORD = { code: 'data-record-not-found', message: 'Data record not found' };
/** The vendor words a miss of a query in its own way. */
export const NO_RECORD_FOUND = { code: 'data-record-not-found', message: 'Record not found' };
export const NO_OWNER_FOUND = { message: 'Member not found' };
export const BAD_VALUE = { code: 'invalid-field-value' };
export const GENERIC = { code: 'generic-message' };

export const field = (key, type, more = {}) => ({ key, name: `The ${key}`, type, required: false, ...more });

/** What `table create` reads from its file; nobody but an admin may touch such a table. */
export const definition = (key, fields, rules = {}) => ({
  key,
  name: `All ${key}`,
  createRule: 'ADMIN_ONLY',
  readRule: 'ADMIN_ONLY',
  updateRule: 'ADMIN_ONLY',
  deleteRule: 'ADMIN_ONLY',
  ...rules,
  fields,
});

export const CATS = definition('cats', [field('label', 'TEXT_FILTERABLE', { required: true })]);

/** A field of every type, under rules that differ from one another. */
export const CONTACTS = definition(
  'contacts',
  [
    field('name', 'TEXT', { required: true }),
    field('email', 'TEXT_UNIQUE'),
    field('score', 'DECIMAL'),
    field('n', 'NUMBER'),
    field('active', 'BOOLEAN'),
    field('due', 'DATE'),
    field('site', 'URL'),
    field('mail', 'EMAIL'),
    field('city', 'TEXT_FILTERABLE', { defaultValue: 'Berlin' }),
    field('cat', 'REFERENCE', { referencedTable: 'cats' }),
    field('tags', 'REFERENCE_MANY', { referencedTable: 'cats' }),
    field('holder', 'MEMBER_REFERENCE'),
    field('fans', 'MEMBER_REFERENCE_MANY'),
  ],
  { createRule: 'AUTHENTICATED', readRule: 'PUBLIC', updateRule: 'AUTHENTICATED_OWN', deleteRule: 'ADMIN_ONLY' },
);

/** A new table, as the command line makes it from a file. */
export async function createTable(app, table) {
  const dir = mkdtempSync(join(tmpdir(), 'guildhall-table-'));
  const file = join(dir, 'table.json');
  try {
    writeFileSync(file, JSON.stringify(table));
    return await guildhallJson('table', 'create', '--app', app, '--file', file);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A new app with both tables, and in each environment the calls on their records. */
export async function openTables(name) {
  const app = await openApp(name);
  const cats = await createTable(app.id, CATS);
  const contacts = await createTable(app.id, CONTACTS);
  const [sandbox, live] = [app.sandbox, app.live].map((environment) => ({ ...environment, ...records(environment.key) }));
  return { ...app, cats, contacts, sandbox, live };
}

/** The SDK's own `tables`, and shorthands that go through it. */
function records(key) {
  const tables = sdk(key).dataTables;
  const create = async (table, data, memberId) => (await tables.createRecord({ table, data, memberId })).data;
  const update = async (table, recordId, data) => (await tables.updateRecord({ table, recordId, data })).data;
  const find = async (table, findMany = {}) => (await tables.queryRecords({ table, query: { findMany } })).data;
  const read = async (table, id, more = {}) => {
    const query = { findUnique: { where: { id }, ...more } };
    return (await tables.queryRecords({ table, query })).data.record;
  };
  const count = async (table, where) => (await find(table, { where, _count: true }))._count;
  const newCat = (label) => create('cats', { label });
  return { tables, create, update, find, read, count, newCat };
}

export const recordsPath = (table) => `/v2/data-tables/${table}/records`;

/** A query as plain HTTP, for shapes that are not the SDK's to send. */
export const ask = (key, table, body) => send('POST', `${recordsPath(table)}/query`, { key, body });

/** Short enough for a test's title, and the same in every run. */
export const titled = (value) => {
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replaceAll(/\bc[0-9a-z]{24}\b/g, '…');
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
};

/** Creates a record of each of `rows`, a few at a time, so in no order. */
export async function createMany(environment, table, rows) {
  const left = [...rows];
  const made = [];
  const worker = async () => {
    while (left.length > 0) made.push(await environment.create(table, left.pop()));
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return made;
}
