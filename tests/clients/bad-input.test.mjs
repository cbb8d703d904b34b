// Bad input is answered with a 4xx and a body that says why, and stores nothing.

import { test } from 'node:test';
import { openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { expectError, expectRejection } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { newEmail, newPassword, newPerson } from './support/people.mjs';

const { key, members } = (await openApp('bad input')).sandbox;
const { data: bystander } = await members.create(newPerson({ metaData: { a: 'a' }, json: { a: 1 } }));

const DEPTH = 100_000;
const TEN_MB = 10 * 1024 * 1024;

/** A JSON object of an email, a password and whatever `rest` says, as text. */
const withRest = (rest) => `{"email":"${newEmail()}","password":"${newPassword()}",${rest}}`;

const malformed = {
  'an object cut short': '{bad',
  'an object without its end': withRest('"json":{').slice(0, -1),
  'text after the object': `${withRest('"json":{}')} x`,
  'a number that JSON does not have': withRest('"json":{"n":NaN}'),
  'a comma too many': withRest('"json":{},'),
  'a raw control character': withRest('"loginRedirect":"\u0000"'),
  'bytes that are not UTF-8': Buffer.concat([Buffer.from(withRest('"loginRedirect":"').slice(0, -1)), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
};

const unacceptable = {
  'an empty body': '',
  'an array': '[]',
  'an array of a person': `[${withRest('"json":{}')}]`,
  'a string': '"text"',
  'a number': '5',
  'null': 'null',
  'arrays nested 100,000 deep': withRest(`"json":{"a":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}`),
  'objects nested 100,000 deep': withRest(`"json":${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`),
  'arrays opened 100,000 times and never closed': '['.repeat(DEPTH),
  'a key given twice': withRest(`"email":"${newEmail()}"`),
  'a key given twice further in': withRest('"metaData":{"a":"1","a":"2"}'),
  'a NUL in a custom field': withRest(String.raw`"customFields":{"first-name":"a\u0000b"}`),
  'a NUL in metadata': withRest(String.raw`"metaData":{"a":"a\u0000b"}`),
  'a NUL in JSON': withRest(String.raw`"json":{"a\u0000b":1}`),
  'a lone high surrogate': withRest(String.raw`"customFields":{"first-name":"\ud800"}`),
  'a lone low surrogate': withRest(String.raw`"json":{"a":"\udc00"}`),
  'surrogates the wrong way round': withRest(String.raw`"metaData":{"a":"\udc00\ud800"}`),
  'a lone surrogate in a key': withRest(String.raw`"metaData":{"\ud800":"a"}`),
};

const wrongTypes = [
  { email: 5 },
  { email: true },
  { email: {} },
  { email: [newEmail()] },
  { email: null },
  { password: 12345678 },
  { password: ['long enough, but a list'] },
  { password: null },
  { customFields: 'text' },
  { customFields: ['first-name'] },
  { metaData: 'text' },
  { metaData: [] },
  { json: 'text' },
  { json: 5 },
  { plans: 'pln_free' },
  { plans: { planId: 'pln_free' } },
  { plans: [5] },
  { plans: [{}] },
  { plans: [{ planId: 5 }] },
  { loginRedirect: 5 },
];

const badEmails = {
  'of 300 bytes': `${'a'.repeat(60)}@${'b'.repeat(57)}.${'c'.repeat(57)}.${'d'.repeat(57)}.${'e'.repeat(57)}.example`.padEnd(300, 'e'),
  'with a line break': `a\r\nBcc: ${newEmail()}`,
};

const wrongUpdates = [
  { email: 5 },
  { email: null },
  { verified: 'yes' },
  { verified: 1 },
  { profileImage: 5 },
  { loginRedirect: {} },
  { customFields: 'text' },
  { metaData: ['text'] },
  { json: 'text' },
];

/** Makes a creation that must be refused so, and checks that not a row came of it. */
async function expectRefusedCreation(body, status, expected, options) {
  const before = await members.list({ limit: 1 });
  expectError(await send('POST', '/members', { key, body, ...options }), status, expected);
  assert.deepEqual(await members.list({ limit: 1 }), before);
}

for (const [name, body] of Object.entries(malformed)) {
  test(`${name} is not JSON`, () => expectRefusedCreation(body, 400, { code: 'validation/invalid-json' }));
}

for (const [name, body] of Object.entries(unacceptable)) {
  test(`${name} is refused`, () => expectRefusedCreation(body, 400));
}

for (const wrong of wrongTypes) {
  test(`${JSON.stringify(wrong).replace(/[^"]+@[^"]+/, '…')} is refused`, () => expectRefusedCreation(newPerson(wrong), 400));
}

for (const [name, email] of Object.entries(badEmails)) {
  test(`an email ${name} is refused`, () => expectRefusedCreation(newPerson({ email }), 400, { code: 'invalid-email' }));
}

for (const wrong of wrongUpdates) {
  test(`an update to ${JSON.stringify(wrong)} is refused and changes nothing`, async () => {
    const before = await members.retrieve({ id: bystander.id });
    const body = { metaData: { b: 'b' }, ...wrong };
    expectError(await send('PATCH', `/members/${bystander.id}`, { key, body }), 400);
    assert.deepEqual(await members.retrieve({ id: bystander.id }), before);
  });
}

for (const body of ['{bad', '', '[]', 'null']) {
  test(`an update with the body ${JSON.stringify(body)} is refused`, async () => {
    expectError(await send('PATCH', `/members/${bystander.id}`, { key, body }), 400);
  });
}

test('a body of ten megabytes is refused as too large, with or without its length told', async () => {
  const body = JSON.stringify(newPerson({ json: { text: 'x'.repeat(TEN_MB) } }));
  await expectRefusedCreation(body, 413);
  await expectRefusedCreation(body, 413, {}, { chunked: true });
});

test('the SDK rejects a body of ten megabytes with the code and the message', async () => {
  await expectRejection(members.create(newPerson({ json: { text: 'x'.repeat(TEN_MB) } })));
});

const unknownRoutes = [
  ['GET', '/nothing-here'],
  ['GET', '/members/mem_sb_x/nothing-here'],
  ['POST', `/members/${bystander.id}/add-plans`],
  ['DELETE', '/memberss'],
];

for (const [method, path] of unknownRoutes) {
  test(`${method} ${path.replace(bystander.id, ':id')} is no route`, async () => {
    expectError(await send(method, path, { key }), 404);
  });
}

const wrongMethods = [
  ['PUT', '/members'],
  ['PATCH', '/members'],
  ['DELETE', '/members'],
  ['PUT', `/members/${bystander.id}`],
  ['POST', `/members/${bystander.id}`],
  ['GET', `/members/${bystander.id}/add-plan`],
  ['DELETE', `/members/${bystander.id}/remove-plan`],
];

for (const [method, path] of wrongMethods) {
  test(`${method} is no method of ${path.replace(bystander.id, ':id')}`, async () => {
    const response = await send(method, path, { key });
    expectError(response, 405);
    assert.match(response.headers.allow ?? '', /[A-Z]/, 'the answer names the methods that are allowed');
  });
}

test('after all that the one member is as it was', async () => {
  const page = await members.list();
  assert.equal(page.totalCount, 1);
  const { data } = await members.retrieve({ id: bystander.id });
  assert.deepEqual(data.metaData, { a: 'a' });
  assert.deepEqual(data.json, { a: 1 });
});
