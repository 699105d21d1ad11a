// Children of a run that ends: by an error, by a signal, at its end.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const module = pathToFileURL(path.resolve(import.meta.dirname, '../../support/owned-processes.ts')).href;
const CHILD = `spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })`;

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a run that owns processes', () => {
  const pids: number[] = [];
  afterEach(() => {
    for (const pid of pids.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });

  /** A process that owns two children, one of them stopped, does `first`, says that it has, and then does `then`. */
  async function startRun(then: string, first = ''): Promise<{ run: ChildProcess; ended: Promise<unknown[]> }> {
    const code = `
      import { spawn } from 'node:child_process';
      import { interruption, own } from '${module}';
      const children = [own(${CHILD}), own(${CHILD})];
      children[1].kill('SIGSTOP');
      ${first}
      process.stdout.write(children.map(({ pid }) => pid).join(' ') + '\\n');
      setInterval(() => {}, 1000);
      ${then}`;
    const run = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(run, 'exit');
    const [line] = await once(run.stdout, 'data');
    pids.push(...String(line).trim().split(' ').map(Number));
    return { run, ended };
  }
  const untilGone = async (): Promise<void> => {
    expect(pids).toHaveLength(2);
    while (pids.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  it.each([
    ['is over', 'process.exit(0);'],
    ['fails', "setTimeout(() => { throw new Error('broken'); }, 10);"],
    ['rejects', "await Promise.reject(new Error('broken'));"],
  ])('leaves none behind when it %s', async (_how, then) => {
    const { ended } = await startRun(then);
    await ended;
    await untilGone();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends them at %s, and has the time to stop the rest', async (signal) => {
    const { run, ended } = await startRun(
      'try { await interrupted; } finally { await new Promise((resolve) => setTimeout(resolve, 50)); process.exit(7); }',
      'const interrupted = interruption();',
    );
    run.kill(signal);
    await untilGone();
    expect(await ended).toEqual([7, null]);
  });
});
