// Searches what the server printed for anything that opens a door.

import { createHash } from 'node:crypto';

const PATTERNS = {
  'a password hash': /\$argon2/,
  'a secret key': /sk_[0-9A-Za-z_]{20,}/,
  'a token': /eyJ[\w-]{10,}\.eyJ[\w-]{10,}/,
};

const sha256 = (value, encoding) => createHash('sha256').update(value).digest(encoding);

const formsOf = (secret) => ({
  'a secret of this run': secret,
  'the SHA-256 of a secret of this run': sha256(secret, 'hex'),
  'the SHA-256, in base64, of a secret of this run': sha256(secret, 'base64').replace(/=+$/, ''),
});

/** One sentence for each kind of leak in each line, without the leaked value. */
export function leaksIn(log, secrets) {
  const needles = secrets.flatMap((secret) => Object.entries(formsOf(secret)));
  return log.split('\n').flatMap((line, index) => {
    const known = needles.filter(([, needle]) => line.includes(needle)).map(([what]) => what);
    const shaped = Object.keys(PATTERNS).filter((what) => PATTERNS[what].test(line));
    return [...new Set([...known, ...shaped])].map((what) => `line ${index + 1} of the server's output holds ${what}`);
  });
}
