// A mail server of the test's own, and the authority that vouches for it.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

export const HOST = 'localhost';

/** An authority that nobody knows, and a certificate for this machine that it signed. */
export function openAuthority() {
  const dir = mkdtempSync(join(tmpdir(), 'guildhall-authority-'));
  const file = (name) => join(dir, name);
  const openssl = (...words) => execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const newKey = (name) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file(name)];
  openssl('req', '-x509', ...newKey('ca.key'), '-out', file('ca.pem'), '-days', '2', '-subj', '/CN=An authority');
  openssl('req', ...newKey('server.key'), '-out', file('server.csr'), '-subj', `/CN=${HOST}`);
  writeFileSync(file('names'), `subjectAltName=DNS:${HOST}\n`);
  const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', file('names')];
  openssl('x509', '-req', '-in', file('server.csr'), '-out', file('server.pem'), ...signed);
  return {
    file: file('ca.pem'),
    identity: { key: readFileSync(file('server.key')), cert: readFileSync(file('server.pem')) },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/**
 * A mail server on this port (0: any). `secure` speaks TLS from the first byte; otherwise it offers STARTTLS. `letsIn` judges
 * a log-in. What it takes is in `mails`, parsed, and `refused` counts the log-ins that it turned away.
 */
export async function openSink({ port = 0, identity, secure = false, letsIn, takes = () => true }) {
  const sink = { mails: [], refused: 0 };
  const server = new SMTPServer({
    ...identity,
    secure,
    // Nobody may say a password before the connection is secure.
    allowInsecureAuth: false,
    disableReverseLookup: true,
    // Its end is that of its connections too.
    closeTimeout: 1,
    onAuth({ username, password }, _, done) {
      if (letsIn(username, password)) return done(null, { user: username });
      sink.refused += 1;
      return done(Object.assign(new Error('no'), { responseCode: 535 }));
    },
    onRcptTo({ address }, _, done) {
      return takes(address) ? done() : done(Object.assign(new Error('no such mailbox'), { responseCode: 550 }));
    },
    onData(stream, session, done) {
      const parts = [];
      stream.on('data', (part) => parts.push(part));
      stream.on('end', async () => {
        const raw = Buffer.concat(parts).toString('latin1');
        const parsed = await simpleParser(raw);
        const to = session.envelope.rcptTo.map(({ address }) => address);
        sink.mails.push({ raw, parsed, from: session.envelope.mailFrom.address, to, secure: session.secure });
        done();
      });
    },
  });
  // A client that hangs up is no failure of the test's.
  server.on('error', () => {});
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  sink.port = server.server.address().port;
  sink.close = () => new Promise((resolve) => server.close(resolve));
  return sink;
}

/** Asks until there is an answer, or fails when it is too late. */
export async function until(what, ask, withinMs = 60_000) {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (answer) return answer;
    await wait(50);
  }
  throw new Error(`waited in vain: ${what}`);
}
