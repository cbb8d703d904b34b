// What members find in their mailboxes: the outbox, as the command line shows it.

import { guildhallJson } from '../../clients/support/command.mjs';

/** The texts of the mails to an address, oldest first. */
export async function mailsTo(app, address) {
  const mails = await guildhallJson('mail', 'list', '--app', app, '--env', 'sandbox');
  return mails.filter((mail) => mail.to === address);
}

async function lastTo(app, address) {
  const mail = (await mailsTo(app, address)).at(-1);
  if (!mail) throw new Error('there is no mail to this address');
  return mail.text;
}

/** The six digits in the last mail to an address. */
export const codeFor = async (app, address) => (await lastTo(app, address)).match(/\b\d{6}\b/)[0];

/** The link in the last mail to an address. */
export const linkFor = async (app, address) => (await lastTo(app, address)).match(/https?:\/\/\S+/)[0];
