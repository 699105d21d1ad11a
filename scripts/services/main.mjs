// npm run services -- start|stop|status|env [cassandra …] [--name b]: real servers without Docker. Progress goes to stderr; `env` prints
// the variables by which clients find them, to be evaluated by a shell.
import { parseArgs } from 'node:util';
import { DEFAULT_INSTANCE, start, status, stop } from './runner.mjs';
import { serverNames } from './servers.mjs';

const USAGE = `npm run services -- <command> [service …] [--name <instance>]

  start   download what is missing, start, wait until it answers
  stop    stop by pid; --remove removes the data, too
  status  what runs where
  env     export lines for a shell: eval "$(npm run --silent services -- env)"

Services: ${serverNames.join(', ')}. start names them; the others mean all without a name.
--name <instance>  a second set with its own ports and data (${DEFAULT_INSTANCE})
Downloads are kept in ANTIPHON_SERVICES_CACHE (a folder in the user's cache), data and logs in .cache/services.`;

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        name: { type: 'string', default: DEFAULT_INSTANCE },
        remove: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return { ...values, command: positionals[0], names: positionals.slice(1) };
  } catch (error) {
    return fail(`${error.message}\n\n${USAGE}`);
  }
}

const { command, names, name: instance, remove, help } = readArguments();
const unknown = names.filter((name) => !serverNames.includes(name));
if (help) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
if (unknown.length > 0) fail(`unknown service ${unknown.join(', ')}: there are ${serverNames.join(', ')}`);
const chosen = names.length > 0 ? names : serverNames;
const progressOf = (name) => (line) => process.stderr.write(`${name}: ${line}\n`);

const commands = {
  async start() {
    if (names.length === 0) fail(`start what? ${serverNames.join(', ')}`);
    for (const name of names) await start(name, { instance, progress: progressOf(name) });
  },
  async stop() {
    for (const name of chosen) await stop(name, { instance, remove, progress: progressOf(name) });
  },
  async status() {
    for (const name of chosen) process.stdout.write(`${name.padEnd(12)}${status(name, { instance }).state}\n`);
  },
  async env() {
    for (const { variables = {} } of chosen.map((name) => status(name, { instance }))) {
      for (const [key, value] of Object.entries(variables)) process.stdout.write(`export ${key}='${value}'\n`);
    }
  },
};

const run = commands[command];
if (run === undefined) fail(command === undefined ? USAGE : `unknown command ${command}\n\n${USAGE}`);
try {
  await run();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
