// `node run.mjs sqlite` or `node run.mjs postgres` starts a server of its own on a fresh database, `GUILDHALL_URL=… node
// run.mjs` drives one that runs already.

import { fileURLToPath } from 'node:url';
import { runFolder } from './support/run.mjs';

// As somebody runs it whose code verifies tokens with the vendor's SDK.
const flags = ['--token-issuer', 'https://api.memberstack.com', '--jwks-at-root', 'on'];

await runFolder(fileURLToPath(new URL('.', import.meta.url)), flags);
