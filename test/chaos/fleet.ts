// The hosts of one region on one Cassandra, each at ports of its own that it keeps over restarts, so that they can be killed, frozen and restarted one by
// one. The memory of all is watched all the time.
import fs from 'node:fs';
import { type HostOptions, type HostStore, startHost } from '../bench/cassandra-target.ts';
import { freePort, type ServerProcess } from '../bench/server-process.ts';
import { rssBytesOf } from '../bench/target.ts';

const WATCH_MS = 500;

export interface Fleet {
  readonly addresses: readonly string[];
  /** Resolves when the process is gone. */
  kill(index: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** On the same ports; resolves when it serves. */
  restart(index: number): Promise<void>;
  freeze(index: number): void;
  resume(index: number): void;
  largestRssBytes(): number;
  stop(): Promise<void>;
}

export async function startFleet(store: HostStore, count: number, options: HostOptions): Promise<Fleet> {
  const isCluster = count > 1;
  const ports = await Promise.all(Array.from({ length: 2 * count }, freePort));
  const start = (index: number): Promise<ServerProcess> =>
    startHost(store, {
      ...options,
      isCluster,
      port: ports[2 * index] as number,
      rpcPort: ports[2 * index + 1] as number,
    });
  const servers: ServerProcess[] = await Promise.all(Array.from({ length: count }, (_, index) => start(index)));
  const at = (index: number): ServerProcess => servers[index] as ServerProcess;
  let largest = 0;
  const watch = setInterval(() => {
    for (const { pid } of servers)
      if (fs.existsSync(`/proc/${pid}/status`)) largest = Math.max(largest, rssBytesOf(pid));
  }, WATCH_MS);
  return {
    addresses: servers.map(({ address }) => address),
    kill: (index, signal) => at(index).kill(signal),
    restart: async (index) => {
      servers[index] = await start(index);
    },
    freeze: (index) => {
      process.kill(at(index).pid, 'SIGSTOP');
    },
    resume: (index) => {
      process.kill(at(index).pid, 'SIGCONT');
    },
    largestRssBytes: () => largest,
    stop: async () => {
      clearInterval(watch);
      await Promise.all(servers.map((server) => server.kill('SIGTERM')));
    },
  };
}
