// What the bench measures: servers of some make on some store. A target gives a site (an empty store of its own), and a site starts servers on it, once
// or again after they were killed. Counters are sums over all servers, read from /proc; the store's own process, if it has one, is counted apart.
import fs from 'node:fs';

export interface Usage {
  readonly serverCpuSeconds: number;
  /** undefined: the store is part of the server. */
  readonly storeCpuSeconds: number | undefined;
  /** Of servers and store. */
  readonly diskWrittenBytes: number;
}

export interface Deployment {
  /** One per server; any of them takes any call. */
  readonly addresses: readonly string[];
  usage(): Usage;
  /** One per server. */
  rssBytes(): readonly number[];
  peakRssBytes(): readonly number[];
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface Site {
  start(): Promise<Deployment>;
  /** Removes the data; no server runs any more. */
  remove(): Promise<void>;
}

export interface Target {
  /** Said of the figures, as "SQLite, synchronous=FULL". */
  readonly title: string;
  makeSite(): Promise<Site>;
  close(): Promise<void>;
}

const CLOCK_TICKS_PER_SECOND = 100;

/** CPU seconds so far, user and system. */
export function cpuSecondsOf(pid: number): number {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

const statusKilobytes = (pid: number, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);

export const rssBytesOf = (pid: number): number => statusKilobytes(pid, 'VmRSS') * 1024;

export const peakRssBytesOf = (pid: number): number => statusKilobytes(pid, 'VmHWM') * 1024;

export const diskWrittenBytesOf = (pid: number): number =>
  Number(/^write_bytes: (\d+)/m.exec(fs.readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);

/** The counters of processes; `storePid` is the store's server. */
export function usageOf(serverPids: readonly number[], storePid: number | undefined): Usage {
  const sum = (read: (pid: number) => number): number => serverPids.reduce((total, pid) => total + read(pid), 0);
  return {
    serverCpuSeconds: sum(cpuSecondsOf),
    storeCpuSeconds: storePid === undefined ? undefined : cpuSecondsOf(storePid),
    diskWrittenBytes: sum(diskWrittenBytesOf) + (storePid === undefined ? 0 : diskWrittenBytesOf(storePid)),
  };
}

/** The deployment of processes that `startServerProcess` or its like gave. */
export function deploymentOf(
  servers: readonly { readonly address: string; readonly pid: number; kill(signal: NodeJS.Signals): Promise<void> }[],
  storePid?: number,
): Deployment {
  const pids = servers.map(({ pid }) => pid);
  return {
    addresses: servers.map(({ address }) => address),
    usage: () => usageOf(pids, storePid),
    rssBytes: () => pids.map(rssBytesOf),
    peakRssBytes: () => pids.map(peakRssBytesOf),
    kill: async (signal) => {
      await Promise.all(servers.map((server) => server.kill(signal)));
    },
  };
}
