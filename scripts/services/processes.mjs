// Processes by pid: is it still the one that was started, and how it is ended. A pid alone proves nothing, since systems give it out again, so a
// process counts as ours only while its command line names the folder that it was started for.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const STOP_MS = 30_000;
const POLL_MS = 50;

export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The command line of a process; empty when there is none (or a zombie's). */
function commandLine(pid) {
  if (fs.existsSync('/proc/self/cmdline')) {
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch (error) {
      if (error.code === 'ENOENT' || error.code === 'ESRCH') return '';
      throw error;
    }
  }
  return spawnSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '';
}

/** @param mark what the command line of the one that was started contains. */
export const isProcess = (pid, mark) => pid !== undefined && isAlive(pid) && commandLine(pid).includes(mark);

/** Ends it and waits for the end: with `signal`, and with SIGKILL when that does not help. */
export async function endProcess(pid, mark, signal) {
  const ended = async (withinMs) => {
    for (const until = Date.now() + withinMs; Date.now() < until; await sleep(POLL_MS)) {
      if (!isProcess(pid, mark)) return true;
    }
    return false;
  };
  if (!isProcess(pid, mark)) return;
  process.kill(pid, signal);
  process.kill(pid, 'SIGCONT'); // a test may have stopped it
  if (await ended(STOP_MS)) return;
  process.kill(pid, 'SIGKILL');
  if (!(await ended(STOP_MS))) throw new Error(`process ${pid} does not end, not even by SIGKILL`);
}
