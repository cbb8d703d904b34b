// node:assert/strict, counted: the run reports how many assertions were made.

import strict from 'node:assert/strict';
import { noteAssertions } from './ledger.mjs';

let made = 0;
process.on('exit', () => noteAssertions(made));

const counted = (check) => (...args) => {
  made += 1;
  return check(...args);
};

const NAMES = ['ok', 'equal', 'notEqual', 'deepEqual', 'notDeepEqual', 'match', 'doesNotMatch', 'rejects'];

export default Object.fromEntries(NAMES.map((name) => [name, counted(strict[name])]));
