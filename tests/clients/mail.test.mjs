// Mail, sent to a real mail server over TLS: what arrives, and what becomes of it while none takes it.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createApp } from './support/app.mjs';
import assert from './support/assert.mjs';
import { guildhallJson } from './support/command.mjs';
import { openEngine } from './support/engine.mjs';
import { send } from './support/http.mjs';
import { secret } from './support/ledger.mjs';
import { leaksIn } from './support/log-scan.mjs';
import { HOST, openAuthority, openSink, until } from './support/mail-sink.mjs';
import { startServer } from './support/server.mjs';

const USER = 'guildhall';
const SMTP_PASSWORD = secret('smtp-pass/word@1');
const PASSWORD = secret('a-long-password');
const APP = 'Žluťoučký kůň 📮 – a club whose name is so long that a subject with it does not fit into a single line of a mail';
const FROM = 'no-reply@mail.example';

describe('mail to a real mail server', () => {
  let dir;
  let engine;
  let authority;
  let sink;
  let server;
  let app;
  let publicKey;
  const loggedIn = { wanted: true };
  const letsIn = (user, password) => loggedIn.wanted && user === USER && password === SMTP_PASSWORD;

  const openOn = (port) => openSink({ port, identity: authority.identity, letsIn, takes: (to) => !to.startsWith('gone') });
  const outbox = () => guildhallJson('mail', 'list', '--app', app.id, '--env', 'sandbox');
  const failedTries = () => server.log().split('a mail was not sent').length - 1;
  const post = (path, body) => send('POST', path, { key: publicKey, body });

  async function start(url, flags = []) {
    const smtp = ['--mail-from', `Žluťoučký <${FROM}>`, '--smtp-ca-file', authority.file, ...flags];
    process.env.GUILDHALL_SMTP_URL = url;
    const started = await startServer(dir, smtp, ['GUILDHALL_SMTP_URL']);
    process.env.GUILDHALL_URL = started.url;
    return started;
  }

  async function signUp(email) {
    const { status, text } = await post('/auth/signup', { email, password: PASSWORD });
    assert.equal(status, 200, text);
  }

  async function askForReset(email) {
    const { status, text } = await post('/auth/send-reset-password-email', { email });
    assert.equal(status, 200, text);
  }

  const arrivedFor = (email) => sink.mails.filter(({ to }) => to.includes(email));
  const arrival = (email) => until(`a mail to ${email}`, () => arrivedFor(email)[0]);
  const address = (port, scheme = 'smtp') => `${scheme}://${USER}:${encodeURIComponent(SMTP_PASSWORD)}@${HOST}:${port}`;

  before(async () => {
    // A server of this file's own, on a database of its own: the others have no mail server.
    dir = mkdtempSync(join(tmpdir(), 'guildhall-mail-'));
    engine = openEngine(process.env.GUILDHALL_DATABASE_URL ? 'postgres' : 'sqlite');
    process.env.GUILDHALL_DATA_DIR = join(dir, 'data');
    mkdirSync(process.env.GUILDHALL_DATA_DIR);
    Object.assign(process.env, engine.settings);
    authority = openAuthority();
    sink = await openOn(0);
    app = await createApp(APP);
    ({ key: publicKey } = await guildhallJson(
      ...['key', 'create', '--app', app.id, '--kind', 'public', '--env', 'sandbox', '--name', 'page', '--rate-limit', 'none'],
    ));
    server = await start(`${address(sink.port)}?tls=required`);
  });

  after(async () => {
    const exit = await server?.stop();
    await sink?.close();
    engine?.remove();
    authority?.close();
    const leaks = server ? leaksIn(server.log(), [SMTP_PASSWORD, encodeURIComponent(SMTP_PASSWORD), PASSWORD]) : [];
    rmSync(dir, { recursive: true, force: true });
    assert.equal(exit, 0);
    assert.deepEqual(leaks, []);
  });

  test('a mail arrives whole, over a secure connection, with what mail programs want to know', async () => {
    const before = Date.now();
    await signUp('ada@example.com');
    await askForReset('ada@example.com');
    const { parsed, raw, from, to, secure } = await arrival('ada@example.com');
    assert.ok(secure, 'STARTTLS came first');
    assert.deepEqual([from, to], [FROM, ['ada@example.com']]);
    assert.deepEqual(parsed.from.value, [{ address: FROM, name: 'Žluťoučký' }]);
    assert.equal(parsed.to.text, 'ada@example.com');
    assert.equal(parsed.subject, `Reset your password for ${APP}`);
    assert.match(parsed.text, /^ {4}\d{6}$/m);
    assert.ok(parsed.text.startsWith(`Your code to set a new password for ${APP} is\n`), parsed.text);
    secret(parsed.text.match(/\b\d{6}\b/)[0]);
    assert.match(parsed.messageId, /^<[\w.]+@mail\.example>$/);
    assert.ok(parsed.date >= before - 2000 && parsed.date <= Date.now() + 2000, String(parsed.date));
    assert.match(parsed.headers.get('content-type').value, /^text\/plain$/);
    assert.equal(parsed.headers.get('content-type').params.charset.toLowerCase(), 'utf-8');
    assert.equal(parsed.headers.get('mime-version'), '1.0');
    for (const line of raw.split('\r\n')) {
      assert.ok(line.length <= 998 && /^[\x20-\x7e\t]*$/.test(line), `a line that some server breaks: ${line}`);
    }
    await until('the note that it was sent', async () => (await outbox()).length === 0);
  });

  test('a log-in that is refused delays the mail, and it arrives once when it is mended', async () => {
    // A connection that is open stays logged in, so it is ended.
    const { port } = sink;
    await sink.close();
    sink = await openOn(port);
    loggedIn.wanted = false;
    await signUp('bob@example.com');
    await askForReset('bob@example.com');
    await until('a log-in that is refused', () => sink.refused > 0);
    assert.deepEqual((await outbox()).map((mail) => mail.to), ['bob@example.com']);
    assert.equal(arrivedFor('bob@example.com').length, 0);
    loggedIn.wanted = true;
    await arrival('bob@example.com');
    await until('the note that it was sent', async () => (await outbox()).length === 0);
  });

  test('a mail server that is down delays every mail and loses none, and each arrives once', async () => {
    const { port } = sink;
    const [seen, failed] = [sink.mails, failedTries()];
    await sink.close();
    const waiting = ['cyd@example.com', 'dan@example.com', 'eve@example.com'];
    for (const email of waiting) {
      await signUp(email);
      await askForReset(email);
    }
    await until('a try that failed', () => failedTries() > failed);
    assert.deepEqual((await outbox()).map((mail) => mail.to), waiting);
    // Neither does the end of the server lose them.
    assert.equal(await server.stop(), 0);
    sink = await openOn(port);
    server = await start(`${address(port)}?tls=required`);
    for (const email of waiting) await arrival(email);
    await until('the notes that they were sent', async () => (await outbox()).length === 0);
    // One that is written after them is sent after them: whatever was to come twice would have come.
    await askForReset('ada@example.com');
    await arrival('ada@example.com');
    assert.deepEqual(sink.mails.flatMap(({ to }) => to).sort(), ['ada@example.com', ...waiting]);
    const ids = [...seen, ...sink.mails].map(({ parsed }) => parsed.messageId);
    assert.equal(new Set(ids).size, ids.length, 'no two mails share an id');
  });

  test('a recipient that is refused for good holds up nobody, and stays to be seen', async () => {
    await signUp('gone@example.com');
    await askForReset('gone@example.com');
    await signUp('fay@example.com');
    await askForReset('fay@example.com');
    await arrival('fay@example.com');
    await until('the note that one was sent', async () => (await outbox()).length === 1);
    assert.deepEqual((await outbox()).map((mail) => mail.to), ['gone@example.com']);
    assert.equal(arrivedFor('gone@example.com').length, 0);
  });

  test('TLS from the first byte, and nothing said to a server that nobody vouches for', async () => {
    await server.stop();
    const stranger = openAuthority();
    const impostor = await openSink({ identity: stranger.identity, secure: true, letsIn });
    const failed = failedTries();
    server = await start(address(impostor.port, 'smtps'));
    await signUp('gil@example.com');
    await askForReset('gil@example.com');
    await until('a try that failed', () => failedTries() > failed);
    assert.deepEqual([impostor.mails.length, impostor.refused], [0, 0]);
    await server.stop();
    await impostor.close();
    stranger.close();

    await sink.close();
    sink = await openSink({ identity: authority.identity, secure: true, letsIn });
    server = await start(address(sink.port, 'smtps'));
    assert.ok((await arrival('gil@example.com')).secure);
  });
});
