// One plain request, sent byte for byte as asked: header names keep their case, a GET may have a body.

import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { serverUrl } from './environment.mjs';

/**
 * Sends `body` (text or bytes as they are, anything else as JSON) and resolves to
 * `{ status, headers, text, body }`, where `body` is the answer's JSON, if it is JSON.
 */
export function send(method, path, { key, headers = {}, body, chunked = false } = {}) {
  const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : body && JSON.stringify(body);
  const sent = { ...(key && { 'X-API-KEY': key }), ...headers };
  if (payload !== undefined) {
    sent['Content-Type'] ??= 'application/json';
    if (chunked) sent['Transfer-Encoding'] = 'chunked';
    else sent['Content-Length'] = Buffer.byteLength(payload);
  }
  const { hostname, port } = new URL(serverUrl());
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, method, path, headers: sent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve(answer(response, Buffer.concat(chunks).toString())));
    });
    request.on('error', reject);
    request.end(payload);
  });
}

const answer = ({ statusCode, headers }, text) => ({ status: statusCode, headers, text, body: parsed(text) });

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Waits as long as a refused answer's `Retry-After` asks. */
export const waitAsTold = (headers) => wait(Number(headers['retry-after']) * 1000);

/** Sends again while the answer is 429, each time after the wait the server asked for. */
export async function sendPatiently(method, path, options, triesLeft = 5) {
  const response = await send(method, path, options);
  if (response.status !== 429 || triesLeft === 0) return response;
  await waitAsTold(response.headers);
  return sendPatiently(method, path, options, triesLeft - 1);
}
