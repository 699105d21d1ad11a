// One process at a time does a thing: a lock file that names its holder. A lock whose holder is gone is taken over.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './processes.mjs';

const POLL_MS = 100;
const TEXT_AGE_MS = 5_000;

/** True when the lock is ours now. */
function take(file) {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock of a holder that is gone; renamed first, so that of two who find it stale one removes it. */
function removeStale(file) {
  try {
    const holder = Number(fs.readFileSync(file, 'utf8'));
    // Empty for the moment between its creation and the writing of the pid.
    const isNew = holder === 0 && Date.now() - fs.statSync(file).mtimeMs < TEXT_AGE_MS;
    if (isNew || (holder !== 0 && isAlive(holder))) return;
    const aside = `${file}.stale-${process.pid}`;
    fs.renameSync(file, aside);
    const moved = Number(fs.readFileSync(aside, 'utf8'));
    if (moved !== holder) fs.linkSync(aside, file);
    fs.rmSync(aside);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
}

/** Runs `work` while holding the lock; waits for it without limit as long as its holder lives. `onWait` is told once. */
export async function withLock(file, work, onWait = () => {}) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  for (let told = false; !take(file); await sleep(POLL_MS)) {
    removeStale(file);
    if (!told) onWait();
    told = true;
  }
  try {
    return await work();
  } finally {
    fs.rmSync(file, { force: true });
  }
}
