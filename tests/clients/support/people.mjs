// Made-up people. Nothing here repeats, so that any file may run again on the same server.

import { randomBytes, randomUUID } from 'node:crypto';
import { secret } from './ledger.mjs';

export const newEmail = (name = 'member') => `${name}.${randomUUID()}@example.com`;

/** A random password of exactly `length` characters. */
export const newPassword = (length = 16) => secret(randomBytes(length).toString('hex').slice(0, length));

/** The least that a member is created from, with anything else put over it. */
export const newPerson = (more = {}) => ({ email: newEmail(), password: newPassword(), ...more });

/** Creates `count` members, a few at a time. */
export async function createMany(members, count) {
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await members.create(newPerson());
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

/** The same address with the case of each letter thrown anew. */
export const inRandomCase = (email) =>
  [...email].map((letter) => (Math.random() < 0.5 ? letter.toUpperCase() : letter.toLowerCase())).join('');
