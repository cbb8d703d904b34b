// What the run is told from outside, and the environment its own child processes get.

const { env } = process;

function required(name) {
  if (!env[name]) throw new Error(`${name} is not set: start the scenario with run.mjs, or set it by hand`);
  return env[name];
}

/** The server under test, without a trailing slash. */
export const serverUrl = () => required('GUILDHALL_URL').replace(/\/+$/, '');

/** The program whose subcommands set the scenario up. */
export const program = () => required('GUILDHALL_BIN');

/** The folder of the embedded database, when the engine under test is SQLite. */
export const dataDir = () => env.GUILDHALL_DATA_DIR;

/** Where a run leaves its notes (secrets used, assertions made); unset when nobody collects them. */
export const runDir = () => env.CLIENTS_RUN_DIR;

const SETTINGS = ['GUILDHALL_DATA_DIR', 'GUILDHALL_DATABASE_URL'];

/** This environment with no `GUILDHALL_…` variable but the named ones: the server refuses settings it does not know. */
export function environmentKeeping(names) {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('GUILDHALL_') || names.includes(name)),
  );
}

/** The environment for the program's subcommands, with more settings where they are named. */
export const commandEnvironment = (more = []) => environmentKeeping([...SETTINGS, ...more]);
