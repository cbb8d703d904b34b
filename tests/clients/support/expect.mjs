// The shapes every answer must have, whichever call it came from.

import assert from './assert.mjs';

export const NO_SUCH_MEMBER = {
  code: 'generic-message',
  message: 'There is no member with this identifier.',
};

export const BAD_KEY = {
  code: 'validation/invalid-secret-key',
  message: 'The provided secret key is invalid.',
};

/** The vendor's error body: flat, with a code and a message that say something. */
export function expectErrorBody(body, { code, message } = {}) {
  assert.ok(body !== null && typeof body === 'object', 'an error has a JSON body');
  assert.ok(typeof body.code === 'string' && body.code !== '', 'an error has a code');
  assert.ok(typeof body.message === 'string' && body.message !== '', 'an error has a message');
  if (code) assert.equal(body.code, code);
  if (message) assert.equal(body.message, message);
}

/** A plain answer that refuses with this status. */
export function expectError(response, status, expected) {
  assert.equal(response.status, status, `status ${response.status}: ${response.text.slice(0, 200)}`);
  assert.match(response.headers['content-type'] ?? '', /^application\/json/);
  expectErrorBody(response.body, expected);
}

/** A call of the SDK that rejects with the server's own words, not with a network failure. */
export async function expectRejection(call, expected) {
  const outcome = await call.then(
    () => ({ resolved: true }),
    (refusal) => ({ refusal }),
  );
  assert.ok(!outcome.resolved, `the call must be refused with ${expected?.code ?? 'an error'}`);
  assert.ok(!(outcome.refusal instanceof Error), `the server must answer, not fail: ${outcome.refusal}`);
  expectErrorBody(outcome.refusal, expected);
}

/** A page of a list, always with a whole number to go on from. */
export function expectPage(page, { rows, totalCount, hasNextPage }) {
  assert.equal(page.data.length, rows);
  if (totalCount !== undefined) assert.equal(page.totalCount, totalCount);
  assert.equal(page.hasNextPage, hasNextPage);
  assert.ok(Number.isInteger(page.endCursor), `endCursor is ${page.endCursor}`);
}
