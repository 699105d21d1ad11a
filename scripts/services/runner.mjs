// Starts and stops real servers for tests and for people. A server of an instance lives in .cache/services/<instance>/<server>: its data, its log, and
// state.json with pid, ports and secrets. Ports are chosen free and kept for the next start. Starting is idempotent and safe from several processes
// at once; a pid counts only while it is the process that was started (processes.mjs).
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstFree, freePorts, isFree } from './free-ports.mjs';
import { withLock } from './lock.mjs';
import { endProcess, isAlive, isProcess } from './processes.mjs';
import { serverOf } from './servers.mjs';
import { dataFolder } from './unprivileged.mjs';

const READY_MS = 180_000;
const BUSY_MS = 60_000;
const POLL_MS = 200;
const LOG_LINES_SHOWN = 30;
const INSTANCE = /^[a-z0-9][a-z0-9-]{0,30}$/;

export const DEFAULT_INSTANCE = 'main';

const instances = path.join(import.meta.dirname, '../../.cache/services');

function folderOf(name, instance) {
  if (!INSTANCE.test(instance))
    throw new Error(`--name ${instance}: lower-case letters, digits and hyphens, at most 31`);
  return path.join(instances, instance, serverOf(name).name);
}

function readState(folder) {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, 'state.json'), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function writeState(folder, state) {
  const file = path.join(folder, 'state.json');
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

/** What a running server is known by; undefined when it isn't running. */
function running(server, folder) {
  const state = readState(folder);
  if (state === undefined || !isProcess(state.pid, state.folder)) return undefined;
  return { name: server.name, pid: state.pid, ports: state.ports, variables: server.variables(state), folder };
}

const lastLines = (file) => fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n');

/** The ports of its last start, when nobody has them now; others otherwise. */
async function choosePorts(server, previous) {
  const [from, to] = server.portRange ?? [1, 65_535];
  const kept = server.ports.map((name) => previous?.[name]);
  const isKept =
    kept.every((port) => port >= from && port <= to) && (await Promise.all(kept.map(isFree))).every(Boolean);
  if (isKept) return previous;
  const ports = server.portRange ? [await firstFree(from, to)] : await freePorts(server.ports.length);
  return Object.fromEntries(server.ports.map((name, index) => [name, ports[index]]));
}

async function launch(server, instance, folder, progress) {
  const installed = await server.prepare(progress);
  const previous = readState(folder);
  const user = server.user?.();
  const state = {
    ports: await choosePorts(server, previous?.ports),
    secret: previous?.secret ?? randomBytes(12).toString('hex'),
    folder: dataFolder(folder, user),
  };
  const context = { ...state, installed, instance, user, progress };
  const { command, args, env = {}, cwd = state.folder } = await server.command(context);
  const logFile = path.join(folder, 'server.log');
  const log = fs.openSync(logFile, 'w');
  progress(`starting ${server.title}, log in ${path.relative(process.cwd(), logFile)} …`);
  const started = performance.now();
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', log, log],
    ...(user && { uid: user.uid, gid: user.gid }),
  });
  fs.closeSync(log);
  let failure;
  child.on('error', (error) => {
    failure = error.message;
  });
  child.on('exit', (code, signal) => {
    failure ??= `ended with ${code ?? signal}`;
  });
  child.unref();
  state.pid = child.pid;
  writeState(folder, state);
  for (const until = Date.now() + READY_MS; !(await server.isReady(state)); await sleep(POLL_MS)) {
    if (failure === undefined && Date.now() < until) continue;
    if (failure === undefined) await endProcess(state.pid, state.folder, 'SIGTERM');
    throw new Error(
      `${server.title} ${failure ?? `does not answer after ${READY_MS / 1000} s`}:\n${lastLines(logFile)}`,
    );
  }
  await server.finish?.(context);
  progress(`ready after ${((performance.now() - started) / 1000).toFixed(1)} s: ${describe(server, state)}`);
}

/** Where it is, for people: passwords are shown by `env` alone. */
const describe = (server, state) =>
  `pid ${state.pid}, ${Object.entries(server.variables({ ...state, secret: '***' }))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')}`;

/** True when it runs and answers, which a busy machine may take a while for. */
async function answers(server, folder, state) {
  for (const until = Date.now() + BUSY_MS; running(server, folder) !== undefined; await sleep(POLL_MS)) {
    if (await server.isReady(state)) return true;
    if (Date.now() >= until) return false;
  }
  return false;
}

function removeUsers(users, isGone) {
  for (const pid of fs.existsSync(users) ? fs.readdirSync(users).map(Number) : []) {
    if (isGone(pid)) fs.rmSync(path.join(users, String(pid)), { force: true });
  }
}

function addUser(users, pid) {
  removeUsers(users, (other) => !isAlive(other));
  fs.mkdirSync(users, { recursive: true });
  fs.writeFileSync(path.join(users, String(pid)), '');
}

/** Why a server cannot be started on this machine, with the command that helps; undefined when it can. */
export const missing = (name) => serverOf(name).missing();

/**
 * Starts it unless it runs already; resolves when it answers. `userPid` is a process that needs it: `release` of another leaves it running then.
 * Without one it runs until it is stopped.
 */
export async function start(name, { instance = DEFAULT_INSTANCE, progress = () => {}, userPid } = {}) {
  const server = serverOf(name);
  const folder = folderOf(name, instance);
  const lacks = server.missing();
  if (lacks !== undefined) throw new Error(`${server.title} ${lacks}`);
  return await withLock(
    path.join(folder, 'lock'),
    async () => {
      const state = readState(folder);
      if (await answers(server, folder, state)) {
        progress(`already running: ${describe(server, state)}`);
      } else {
        if (state?.pid !== undefined) await endProcess(state.pid, state.folder, 'SIGKILL');
        await launch(server, instance, folder, progress);
      }
      if (userPid === undefined) writeState(folder, { ...readState(folder), isKept: true });
      else addUser(path.join(folder, 'users'), userPid);
      return running(server, folder);
    },
    () => progress('waiting for another process that starts or stops it …'),
  );
}

async function end(server, folder, progress) {
  const state = readState(folder);
  if (state?.pid === undefined || !isProcess(state.pid, state.folder)) {
    progress('not running');
    return;
  }
  await endProcess(state.pid, state.folder, server.stopSignal ?? 'SIGTERM');
  writeState(folder, { ...state, pid: undefined, isKept: false });
  progress('stopped');
}

/** Stops it; `remove` removes its data, too. */
export async function stop(name, { instance = DEFAULT_INSTANCE, progress = () => {}, remove = false } = {}) {
  const server = serverOf(name);
  const folder = folderOf(name, instance);
  if (!fs.existsSync(folder)) {
    progress('not running');
    return;
  }
  await withLock(path.join(folder, 'lock'), async () => {
    await end(server, folder, progress);
    if (!remove) return;
    const data = readState(folder)?.folder;
    if (data !== undefined) fs.rmSync(data, { recursive: true, force: true });
    for (const file of ['state.json', 'server.log', 'users'])
      fs.rmSync(path.join(folder, file), { recursive: true, force: true });
    progress('data removed');
  });
}

/** Gives it up in the name of a process that needed it, and stops it when no other process that lives needs it and nobody started it to stay. */
export async function release(name, userPid, { instance = DEFAULT_INSTANCE, progress = () => {} } = {}) {
  const folder = folderOf(name, instance);
  const users = path.join(folder, 'users');
  if (!fs.existsSync(users)) return;
  await withLock(path.join(folder, 'lock'), async () => {
    removeUsers(users, (pid) => pid === userPid || !isAlive(pid));
    if (fs.readdirSync(users).length === 0 && !readState(folder)?.isKept) await end(serverOf(name), folder, progress);
  });
}

/** A line a server: running where, stopped, or not possible here. */
export function status(name, { instance = DEFAULT_INSTANCE } = {}) {
  const server = serverOf(name);
  const service = running(server, folderOf(name, instance));
  if (service !== undefined)
    return { name, state: `running, ${describe(server, readState(service.folder))}`, ...service };
  const lacks = server.missing();
  return { name, state: lacks === undefined ? 'stopped' : `unavailable: ${lacks}` };
}
