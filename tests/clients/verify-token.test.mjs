// Checking a member's token over REST: whatever is wrong with it, the answer is the same.

import { test } from 'node:test';
import { openApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { expectError } from './support/expect.mjs';
import { send } from './support/http.mjs';

const app = await openApp('verify token');
const INVALID = { code: 'INVALID_TOKEN', message: 'Invalid token' };

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { id: 'mem_sb_x', type: 'member', iat: 1, exp: 4102444800, aud: app.id, iss: 'https://api.memberstack.com' };

const bodies = {
  'no token': {},
  'a token that is no text': { token: 5 },
  'nonsense': { token: 'x' },
  'an unsigned token': { token: `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.` },
  'a token signed by nobody': { token: `${part({ alg: 'RS256', typ: 'JWT', kid: 'ab'.repeat(32) })}.${part(claims)}.${part('x')}` },
};

for (const [name, body] of Object.entries(bodies)) {
  test(`${name} is invalid`, async () => {
    const response = await send('POST', '/members/verify-token', { key: app.sandbox.key, body });
    expectError(response, 400, INVALID);
    assert.deepEqual(response.body, INVALID);
  });
}
