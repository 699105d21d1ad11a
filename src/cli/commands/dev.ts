// dev: a server for development in this process, ready in seconds: one region, or two that replicate to each other.
import net from 'node:net';
import path from 'node:path';
import type { Command } from 'commander';
import { type ConfigOverrides, loadConfig, type ServerConfig } from '#config';
import type { RunningServer } from '#server';
import { contextOf, count } from '../context.ts';
import { usageError } from '../failure.ts';
import { startListening, untilStopped } from './server.ts';

interface DevOptions {
  regions: number;
  data?: string;
  port: number;
  metricsPort: number;
  httpPort: number;
  verbose?: boolean;
}

const REGIONS_MAX = 3;

/** Config of region `index` of a development group. */
export function devConfig(options: DevOptions, index: number): ServerConfig {
  const name = (i: number): string => `region-${'abc'[i]}`;
  const address = (port: number): string => (port === 0 ? '127.0.0.1:0' : `127.0.0.1:${port + index}`);
  const members = Object.fromEntries(
    Array.from({ length: options.regions }, (_, i) => [
      name(i),
      { enabled: true, initialFailoverVersion: i, rpcAddress: `127.0.0.1:${options.port + i}` },
    ]),
  );
  const folder = options.data === undefined ? undefined : path.join(path.resolve(options.data), name(index));
  const overrides: ConfigOverrides = {
    cluster: { current: name(index), primary: name(0), failoverVersionIncrement: 100, members },
    frontend: { address: address(options.port) },
    metrics: { address: address(options.metricsPort) },
    http: { address: `127.0.0.1:${options.httpPort}` },
    persistence:
      folder === undefined
        ? { driver: 'memory' }
        : { driver: 'sqlite', sqlite: { path: path.join(folder, 'antiphon.db') } },
    domains: { retentionSecondsMin: 1, failoverCoolDownMs: 0, preregister: index === 0 ? ['default'] : [] },
    archival:
      folder === undefined
        ? { enabled: false }
        : { enabled: true, uri: `file://${path.join(path.dirname(folder), 'archive')}`, delayMs: 1000 },
    log: { level: options.verbose ? 'info' : 'warn' },
  };
  return loadConfig({ overrides });
}

/** The port of region `index`, or any when it is taken: a second development server must not fail for a door that few use. */
function freePort(first: number, index: number): Promise<number> {
  if (first === 0) return Promise.resolve(0);
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(0));
    probe.listen(first + index, '127.0.0.1', () => probe.close(() => resolve(first + index)));
  });
}

export function addDevCommand(program: Command): void {
  program
    .command('dev')
    .description('a development server in this process, with the domain "default"')
    .option('--regions <n>', `regions that replicate to each other, 1 to ${REGIONS_MAX}`, count, 1)
    .option('--data <folder>', 'keep data here; without it all is in memory and gone at exit')
    .option('--port <n>', 'gRPC port of the first region; the others follow', count, 7833)
    .option('--metrics-port <n>', 'metrics port of the first region', count, 9464)
    .option('--http-port <n>', 'HTTP/JSON port of the first region; a free one when it is taken', count, 8800)
    .option('--verbose', 'log at info level')
    .action(async (options: DevOptions, command: Command) => {
      const { output } = contextOf(command);
      if (options.regions < 1 || options.regions > REGIONS_MAX)
        throw usageError(`--regions must be 1 to ${REGIONS_MAX}`);
      const started = performance.now();
      const servers: RunningServer[] = [];
      for (let index = 0; index < options.regions; index++) {
        const httpPort = await freePort(options.httpPort, index);
        const config = devConfig({ ...options, httpPort }, index);
        const running = await startListening(config, 'Other ports: --port N, --metrics-port N.');
        servers.push(running);
        output.line(
          `${config.cluster.current}  gRPC ${running.address}  HTTP http://${running.httpAddress}  metrics http://${running.metricsAddress}/metrics`,
          {
            cluster: config.cluster.current,
            address: running.address,
            httpAddress: running.httpAddress,
            metricsAddress: running.metricsAddress,
          },
        );
      }
      const address = servers[0]?.address;
      // As it was called: in a checkout the command is not on the path.
      const antiphon = process.env.npm_command === 'exec' ? 'npx antiphon' : 'antiphon';
      output.note(`Ready in ${((performance.now() - started) / 1000).toFixed(1)} s. ${options.data ? '' : 'All data is in memory. '}Next:
  ${antiphon} domain list --address ${address}
  ${antiphon} workflow list --address ${address}
  npm run example -- hello --address ${address}
Ctrl-C stops it.`);
      await untilStopped();
      await Promise.all(servers.map((server) => server.stop()));
    });
}
