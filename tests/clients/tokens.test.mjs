// Members' tokens, judged by who will judge them: the vendor's admin SDK, npm `jose`, and our own two routes.

import { createHmac, createPublicKey } from 'node:crypto';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { before, describe, test } from 'node:test';
import { createLocalJWKSet, createRemoteJWKSet, exportSPKI, importJWK, jwtVerify } from 'jose';
import { createApp, openApp, sdk } from './support/app.mjs';
import assert from './support/assert.mjs';
import { guildhallJson } from './support/command.mjs';
import { serverUrl } from './support/environment.mjs';
import { secret } from './support/ledger.mjs';

const KEY_HOST = 'member-jwt.s3-website-us-east-1.amazonaws.com';
const ISSUER = 'https://api.memberstack.com';
const PASSWORD = secret('correct-horse-battery');

/** Sends what the SDK asks of the vendor's key host to the server under test, as an entry in `/etc/hosts` would. */
function redirectKeyHost() {
  const get = http.get;
  http.get = (url, ...rest) => {
    const address = new URL(url);
    return get(address.hostname === KEY_HOST ? new URL(address.pathname, serverUrl()) : address, ...rest);
  };
  syncBuiltinESMExports();
}

const post = async (path, headers, body) => {
  const response = await fetch(serverUrl() + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
};

async function signUp(publicKey, email) {
  const { status, body } = await post('/auth/signup', { 'x-api-key': publicKey }, { email, password: PASSWORD });
  assert.equal(status, 200, JSON.stringify(body));
  return { id: body.data.member.id, token: secret(body.data.tokens.accessToken) };
}

const partsOf = (token) => token.split('.').map((part, place) => (place < 2 ? JSON.parse(Buffer.from(part, 'base64url')) : part));
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('tokens', () => {
  let app;
  let member;
  let keys;
  let keySet;

  /** Refused by our route for servers and by our routes for members, and by whoever checks the signature. */
  async function expectRefused(token, what) {
    const verified = await post('/members/verify-token', { 'x-api-key': app.sandbox.key }, { token });
    assert.equal(verified.status, 400, what);
    assert.deepEqual(verified.body, { code: 'INVALID_TOKEN', message: 'Invalid token' });
    const own = await fetch(`${serverUrl()}/member/json`, {
      headers: { 'x-api-key': app.environments.sandbox.publicKey, authorization: `Bearer ${token}` },
    });
    assert.equal(own.status, 401, what);
    assert.equal((await own.json()).code, 'client/invalid-token');
  }

  before(async () => {
    redirectKeyHost();
    app = await openApp('tokens');
    member = await signUp(app.environments.sandbox.publicKey, 'ada@example.com');
    keys = await (await fetch(`${serverUrl()}/.well-known/jwks.json`)).json();
    keySet = createLocalJWKSet(keys);
  });

  test("the admin SDK's verifyToken accepts it when its key host leads to us", async () => {
    const admin = sdk(app.sandbox.key);
    const claims = await admin.verifyToken({ token: member.token, audience: app.id });
    assert.equal(claims.id, member.id);
    assert.deepEqual(Object.keys(claims).sort(), ['aud', 'exp', 'iat', 'id', 'iss', 'type']);
    assert.equal((await admin.verifyToken({ token: member.token })).id, member.id);
    await assert.rejects(admin.verifyToken({ token: member.token, audience: 'app_other' }), (error) => {
      assert.equal(error.code, 'ERR_JWT_CLAIM_VALIDATION_FAILED');
      return true;
    });
  });

  test('the admin SDK refuses a key that we do not publish', async () => {
    const [header, claims, signature] = partsOf(member.token);
    const other = `${encode({ ...header, kid: '0'.repeat(64) })}.${encode(claims)}.${signature}`;
    await assert.rejects(sdk(app.sandbox.key).verifyToken({ token: other }), (error) => {
      assert.equal(error.code, 'ERR_JWKS_NO_MATCHING_KEY');
      return true;
    });
  });

  test('npm jose verifies it through our JWKS', async () => {
    const remote = createRemoteJWKSet(new URL(`${serverUrl()}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(member.token, remote, { issuer: ISSUER, audience: app.id });
    assert.equal(payload.id, member.id);
    assert.equal(payload.exp - payload.iat, 14 * 24 * 3600);
    assert.equal(protectedHeader.alg, 'RS256');
    assert.match(protectedHeader.kid, /^[0-9a-f]{64}$/);
  });

  test('our own route accepts it, and says what it says', async () => {
    const verified = await post('/members/verify-token', { 'x-api-key': app.sandbox.key }, { token: member.token });
    assert.equal(verified.status, 200);
    assert.deepEqual(verified.body.data, partsOf(member.token)[1]);
  });

  test('alg=none is refused by both routes', async () => {
    const [header, claims, signature] = partsOf(member.token);
    for (const alg of ['none', 'NONE', 'None']) {
      const unsigned = `${encode({ ...header, alg })}.${encode(claims)}.`;
      await expectRefused(unsigned, alg);
      await expectRefused(unsigned + signature, alg);
      await assert.rejects(jwtVerify(unsigned, keySet));
    }
  });

  test('our public key taken for a shared secret is refused by both routes', async () => {
    const [header, claims] = partsOf(member.token);
    const pem = await exportSPKI(await importJWK(keys.keys[0], 'RS256'));
    const der = createPublicKey(pem).export({ type: 'spki', format: 'der' });
    const pkcs1 = createPublicKey(pem).export({ type: 'pkcs1', format: 'pem' });
    for (const confused of [pem, pem.trim(), der, pkcs1, keys.keys[0].n, JSON.stringify(keys)]) {
      const signed = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`;
      const forged = `${signed}.${createHmac('sha256', confused).update(signed).digest('base64url')}`;
      await expectRefused(forged, 'key confusion');
      await assert.rejects(jwtVerify(forged, keySet));
    }
  });

  // That our two routes refuse a token that has run out, the Rust tests show: they move the server's clock.
  test('one that says it has not expired yet is refused, and one that has expired is by jose', async () => {
    const [header, claims, signature] = partsOf(member.token);
    await expectRefused(`${encode(header)}.${encode({ ...claims, exp: claims.exp + 3600 })}.${signature}`, 'later end');
    await assert.rejects(jwtVerify(member.token, keySet, { currentDate: new Date((claims.exp + 1) * 1000) }), {
      code: 'ERR_JWT_EXPIRED',
    });
  });

  test("another app's is refused by both routes", async () => {
    const other = await createApp('another app');
    const { token } = await signUp(other.environments.sandbox.publicKey, 'ada@example.com');
    await expectRefused(token, 'another app');
    await assert.rejects(jwtVerify(token, keySet, { audience: app.id }), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' });
  });

  test('a key replaced by command stays published while its tokens hold', async () => {
    const rotated = await guildhallJson('token-key', 'rotate');
    const published = await (await fetch(`${serverUrl()}/`)).json();
    assert.deepEqual(published.keys.map((key) => key.kid).sort(), [keys.keys[0].kid, rotated.kid].sort());
    const fresh = await signUp(app.environments.sandbox.publicKey, 'grace@example.com');
    assert.equal(partsOf(fresh.token)[0].kid, rotated.kid);
    for (const { token, id } of [member, fresh]) {
      assert.equal((await sdk(app.sandbox.key).verifyToken({ token, audience: app.id })).id, id);
    }
  });

  test('logging out ends it for us, and not for who checks offline', async () => {
    const headers = { 'x-api-key': app.environments.sandbox.publicKey, authorization: `Bearer ${member.token}` };
    const out = await fetch(`${serverUrl()}/member/logout`, { method: 'POST', headers });
    assert.equal(out.status, 200);
    await expectRefused(member.token, 'logged out');
    assert.equal((await sdk(app.sandbox.key).verifyToken({ token: member.token })).id, member.id);
  });
});
