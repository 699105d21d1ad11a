// server start: a process with every service, with some of them beside other hosts, or several processes behind one port, until SIGINT or SIGTERM.
import fs from 'node:fs';
import type { Command } from 'commander';
import { type ConfigOverrides, loadConfig, type ServerConfig } from '#config';
import type { RunningServer } from '#server';
import { contextOf, count } from '../context.ts';
import { CliError, usageError } from '../failure.ts';
import { reportServing, runWorkers, WORKERS_MAX, type WorkerPlace, workerPlace } from './server-workers.ts';

const LEFTOVERS_MS = 1_000;

interface StartOptions {
  readonly config: string[];
  readonly pidFile?: string;
  readonly services?: string;
  readonly workers: number;
}

export function addServerCommands(program: Command): void {
  const server = program.command('server').description('run Antiphon');
  server
    .command('start')
    .description('frontend, history, matching and worker in this process, or some of them beside other hosts')
    .option('-c, --config <file…>', 'YAML files, later ones win; environment variables win over files', collect, [])
    .option('--services <list>', 'only these, as frontend,history; the others run elsewhere (needs rpc.address)')
    .option('--workers <n>', `processes behind one port, one for each core, 1 to ${WORKERS_MAX}`, count, 1)
    .option('--pid-file <file>', 'write the process id here')
    .addHelpText('after', '\nExample:\n  antiphon server start -c config/base.yaml -c config/region-a.yaml')
    .action(async (options: StartOptions, command: Command) => {
      const context = contextOf(command);
      const { output } = context;
      for (const file of options.config) {
        if (!fs.existsSync(file)) throw usageError(`there is no config file ${file}`);
      }
      const place = workerPlace();
      const overrides = overridesOf(options, place);
      const config = loadConfig({ files: options.config, overrides, environment: environmentBelow(overrides) });
      if (options.workers > 1 && place === undefined) {
        if (options.workers > WORKERS_MAX) throw usageError(`--workers must be 1 to ${WORKERS_MAX}`);
        if (options.pidFile) fs.writeFileSync(options.pidFile, `${process.pid}\n`);
        await runWorkers(options.workers, config, context);
        if (options.pidFile) fs.rmSync(options.pidFile, { force: true });
        return;
      }
      const running = await startListening(
        config,
        'Addresses are in the config: frontend.address, metrics.address, http.address, rpc.address.',
      );
      if (place === undefined) {
        if (options.pidFile) fs.writeFileSync(options.pidFile, `${process.pid}\n`);
        output.line(servingLine(config, running), {
          cluster: config.cluster.current,
          address: running.address,
          metricsAddress: running.metricsAddress,
          ...(running.rpcAddress === '' ? {} : { rpcAddress: running.rpcAddress }),
        });
      } else reportServing(running.address);
      await untilStopped();
      if (place === undefined) output.note('stopping …');
      await running.stop();
      // After an outage the driver of Cassandra may leave a connection behind, which would keep the process.
      setTimeout(() => process.exit(), LEFTOVERS_MS).unref();
      if (place !== undefined) process.disconnect();
      else if (options.pidFile) fs.rmSync(options.pidFile, { force: true });
    });
}

/** The command line goes before files and environment; a worker has places of its own. */
function overridesOf(options: StartOptions, place: WorkerPlace | undefined): ConfigOverrides {
  const services = options.services
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return {
    ...(services === undefined ? {} : { services }),
    ...(place === undefined
      ? {}
      : {
          rpc: { address: place.rpcAddress, advertise: place.rpcAdvertise },
          metrics: { address: place.metricsAddress },
        }),
  };
}

/** Variables go before files, and what is overridden before both. */
function environmentBelow({ services, rpc }: ConfigOverrides): NodeJS.ProcessEnv {
  const { ANTIPHON_SERVICES, ANTIPHON_RPC_ADDRESS, ANTIPHON_RPC_ADVERTISE, ANTIPHON_METRICS_ADDRESS, ...environment } =
    process.env;
  return {
    ...environment,
    ...(services === undefined ? { ANTIPHON_SERVICES } : {}),
    ...(rpc === undefined ? { ANTIPHON_RPC_ADDRESS, ANTIPHON_RPC_ADVERTISE, ANTIPHON_METRICS_ADDRESS } : {}),
  };
}

function servingLine({ cluster, services }: ServerConfig, running: RunningServer): string {
  const clients = running.address === '' ? services.join(', ') : `gRPC on ${running.address}`;
  const hosts = running.rpcAddress === '' ? '' : `, other hosts on ${running.rpcAddress}`;
  return `${cluster.current} serves ${clients}${hosts}, metrics on ${running.metricsAddress || 'no port'}`;
}

/** Starts a server; an address that is taken is the person's to change, and no defect. */
export async function startListening(config: ServerConfig, hint: string): Promise<RunningServer> {
  // The server is loaded only by commands that run one: the others start faster.
  const { startServer } = await import('#server');
  try {
    return await startServer(config);
  } catch (error) {
    const [, address] =
      /(?:EADDRINUSE: address already in use|cannot listen on) (\S+?):?(?:$|[\s\]]|: )/.exec(String(error)) ?? [];
    if (error instanceof Error && error.message.startsWith('refusing to listen on')) {
      throw new CliError(error.message, { cause: error });
    }
    if (address === undefined) throw error;
    const isTaken = String(error).includes('EADDRINUSE');
    const why = isTaken ? `it is taken, perhaps by another server` : (error as Error).message;
    throw new CliError(`cannot listen on ${address}: ${why}`, { hint, cause: error });
  }
}

const collect = (value: string, previous: string[]): string[] => [...previous, value];

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.removeListener(signal, stop);
        process.once(signal, () => process.exit(130));
      }
      resolve();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}
