// `node run.mjs sqlite` or `node run.mjs postgres`: the cases of the wire contract, as plain HTTP, against a server of the
// run's own on a fresh database.

import { fileURLToPath } from 'node:url';
import { runFolder } from '../clients/support/run.mjs';

await runFolder(fileURLToPath(new URL('.', import.meta.url)), []);
