// The server under the fuzzer, in a process of its own so that its death, its memory and its pauses are its own. Told by the environment where
// to keep its data; says where it listens and, asked by a message, how it fares. A pause is measured in the process's own CPU time: on a busy
// machine the wall's clock would blame it for others.
import { loadConfig } from '#config';
import { startServer } from '#server';

const TICK_MS = 20;
const WARM_UP_MS = 3000;

export interface Health {
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** CPU milliseconds between two turns of the event loop, the most so far. */
  readonly longestPauseMs: number;
}

const { FUZZ_DATA: file = '', FUZZ_KEY: publicKey = '' } = process.env;
const server = await startServer(
  loadConfig({
    environment: {},
    overrides: {
      cluster: {
        members: {
          'region-a': { enabled: true, initialFailoverVersion: 0, rpcAddress: '' },
          'region-b': { enabled: true, initialFailoverVersion: 1, rpcAddress: '127.0.0.1:9' },
        },
      },
      frontend: { address: '127.0.0.1:0' },
      http: { address: '127.0.0.1:0' },
      metrics: { address: '' },
      persistence:
        file === '' ? { driver: 'memory' } : { driver: 'sqlite', sqlite: { path: file, synchronous: 'NORMAL' } },
      domains: { retentionSecondsMin: 1, failoverCoolDownMs: 0 },
      audit: { maxRecords: 5000 },
      log: { level: 'warn' },
      ...(publicKey !== '' && {
        authorization: {
          oauthAuthorizer: { enable: true, maxJwtTTL: 3600, jwtCredentials: { algorithm: 'RS256', publicKey } },
        },
      }),
    },
  }),
);

let longestPauseMs = 0;
let cpu = process.cpuUsage();
const startedMs = performance.now();
setInterval(() => {
  const now = process.cpuUsage();
  const spentMs = (now.user - cpu.user + now.system - cpu.system) / 1000;
  cpu = now;
  if (performance.now() - startedMs > WARM_UP_MS) longestPauseMs = Math.max(longestPauseMs, spentMs - TICK_MS);
}, TICK_MS);

process.on('message', (message) => {
  if (message === 'health') {
    const { rss: rssBytes, heapUsed: heapBytes } = process.memoryUsage();
    process.send?.({ health: { rssBytes, heapBytes, longestPauseMs } });
  }
  if (message === 'stop') void server.stop().then(() => process.exit(0));
});
process.send?.({ address: server.address, httpAddress: server.httpAddress });
