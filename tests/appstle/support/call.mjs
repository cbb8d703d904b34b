// One call of the API, and what every answer must look like.

import { setTimeout as wait } from 'node:timers/promises';
import assert from '../../clients/support/assert.mjs';
import { serverUrl } from '../../clients/support/environment.mjs';

/** The answer to every bad key, to the letter. */
export const BAD_KEY = '{"error":"Unauthorized","message":"Invalid API key provided","status":401}';

/**
 * Calls `method path?query` and resolves to `{ status, headers, text, body }`. A key goes into the header; `json` is sent
 * as the body.
 */
export async function call(method, path, { key, query = {}, headers = {}, json } = {}) {
  const url = new URL(`${serverUrl()}/api/external/v2/${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.append(name, value);
  const sent = { ...(key && { 'X-API-Key': key }), ...(json && { 'Content-Type': 'application/json' }), ...headers };
  const response = await fetch(url, { method, headers: sent, body: json && JSON.stringify(json) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parsed(text) };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const get = (path, options) => call('GET', path, options);

/** Calls again while the answer is 429, each time after the wait the server asked for: bad keys are limited per address. */
export async function patiently(method, path, options, triesLeft = 5) {
  const response = await call(method, path, options);
  if (response.status !== 429 || triesLeft === 0) return response;
  await wait(Number(response.headers.get('retry-after')) * 1000);
  return patiently(method, path, options, triesLeft - 1);
}

export const expectStatus = (response, status) =>
  assert.equal(response.status, status, `status ${response.status}: ${response.text.slice(0, 300)}`);

export function expectBadKey(response) {
  expectStatus(response, 401);
  assert.equal(response.text, BAD_KEY);
}

/** A problem of the framework's own, such as a parameter that is none. */
export function expectProblem(response, status) {
  expectStatus(response, status);
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  assert.equal(response.body.message, `error.http.${status}`);
  assert.equal(response.body.status, status);
  assert.ok(response.body.detail && response.body.path && response.body.title, response.text);
}

/** A problem with a key that clients branch on. */
export function expectErrorKey(response, errorKey, status = 400) {
  expectStatus(response, status);
  assert.equal(response.body.errorKey, errorKey);
  assert.equal(response.body.title, response.body.message);
}

/** What the `Link` header leads to, by the name of the relation. */
export function links(response) {
  const found = [...(response.headers.get('link') ?? '').matchAll(/<([^>]*)>; rel="([a-z]+)"/g)];
  return Object.fromEntries(found.map(([, url, rel]) => [rel, new URL(url)]));
}
