// server start: one process with every service, until SIGINT or SIGTERM.
import fs from 'node:fs';
import type { Command } from 'commander';
import { loadConfig, type ServerConfig } from '#config';
import type { RunningServer } from '#server';
import { contextOf } from '../context.ts';
import { CliError, usageError } from '../failure.ts';

export function addServerCommands(program: Command): void {
  const server = program.command('server').description('run Antiphon');
  server
    .command('start')
    .description('frontend, history, matching and worker in this process')
    .option('-c, --config <file…>', 'YAML files, later ones win; environment variables win over files', collect, [])
    .option('--pid-file <file>', 'write the process id here')
    .addHelpText('after', '\nExample:\n  antiphon server start -c config/base.yaml -c config/region-a.yaml')
    .action(async (options: { config: string[]; pidFile?: string }, command: Command) => {
      const { output } = contextOf(command);
      for (const file of options.config) {
        if (!fs.existsSync(file)) throw usageError(`there is no config file ${file}`);
      }
      const config = loadConfig({ files: options.config });
      const running = await startListening(
        config,
        'Addresses are in the config: frontend.address, metrics.address, http.address.',
      );
      if (options.pidFile) fs.writeFileSync(options.pidFile, `${process.pid}\n`);
      output.line(
        `${config.cluster.current} serves gRPC on ${running.address}, metrics on ${running.metricsAddress || 'no port'}`,
        {
          cluster: config.cluster.current,
          address: running.address,
          metricsAddress: running.metricsAddress,
        },
      );
      await untilStopped();
      output.note('stopping …');
      await running.stop();
      if (options.pidFile) fs.rmSync(options.pidFile, { force: true });
    });
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
