// A real server in its own process on a fresh or given folder, with its CPU and memory as /proc has them.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { own } from '../support/owned-processes.ts';
import { cpuSecondsOf } from './target.ts';

export interface ServerProcess {
  readonly address: string;
  readonly folder: string;
  readonly pid: number;
  /** CPU seconds so far, user and system. */
  cpuSeconds(): number;
  kill(signal: NodeJS.Signals): Promise<void>;
}

const above = path.join(import.meta.dirname, '../..');
/** This file runs from its source or from the build. */
export const repositoryRoot = [above, path.join(above, '..'), path.join(above, '../..')].find((folder) =>
  fs.existsSync(path.join(folder, 'bin/antiphon.mjs')),
) as string;
const ownEntry = path.join(repositoryRoot, 'bin/antiphon.mjs');

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export const makeFolder = (): string => fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-bench-'));

export async function startServerProcess(options: {
  folder: string;
  port?: number;
  /** `bin/antiphon.mjs` of another build. */
  entry?: string | undefined;
  nodeArguments?: readonly string[];
  configFiles?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  /** Sees each line of its log, errors only, which is shown as well. */
  onLogLine?: ((line: string) => void) | undefined;
}): Promise<ServerProcess> {
  const port = options.port ?? (await freePort());
  const address = `127.0.0.1:${port}`;
  const child: ChildProcess = own(
    spawn(
      process.execPath,
      [
        ...(options.nodeArguments ?? []),
        options.entry ?? ownEntry,
        'server',
        'start',
        '-o',
        'jsonl',
        ...(options.configFiles ?? []).flatMap((file) => ['-c', file]),
      ],
      {
        env: {
          ...process.env,
          ANTIPHON_FRONTEND_ADDRESS: address,
          ANTIPHON_METRICS_ADDRESS: '',
          ANTIPHON_SQLITE_PATH: path.join(options.folder, 'antiphon.db'),
          ANTIPHON_LOG_LEVEL: 'error',
          ...options.environment,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    ),
  );
  createInterface({ input: child.stderr as Readable }).on('line', (line) => {
    process.stderr.write(`${line}\n`);
    options.onLogLine?.(line);
  });
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code, signal) => reject(new Error(`the server ended at its start (${code ?? signal})`)));
    child.stdout?.once('data', () => resolve());
  });
  child.stdout?.resume();
  const pid = child.pid as number;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    address,
    folder: options.folder,
    pid,
    cpuSeconds: () => cpuSecondsOf(pid),
    async kill(signal) {
      child.kill(signal);
      await exited;
    },
  };
}
