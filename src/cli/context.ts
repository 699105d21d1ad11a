// What every command gets from the global options: connection, output, domain. The environment variables of Cadence's CLI count where ours are not set.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { createRealEnv } from '#env';
import { type Connection, connect } from './connection.ts';
import { failureOf, isServiceError, usageError } from './failure.ts';
import { addSecurityOptions, type SecurityOptions, securityOf } from './security.ts';
import { setAliases } from './spec/command-line.ts';
import { wholeNumber } from './spec/flags.ts';
import { createOutput, OUTPUT_FORMATS, type Output, type OutputFormat } from './ui/output.ts';

export interface CliContext {
  readonly output: Output;
  readonly address: string;
  /** The domain that was asked for; `default` when none was. */
  readonly domain: string;
  /** The domain that was asked for, by flag or environment. */
  readonly givenDomain: string | undefined;
  /** Longest wait for one answer. */
  readonly timeoutMs: number;
  withFormat(format: OutputFormat): CliContext;
  /** Runs `work` with a connection that is closed afterwards; to another server when an address is given. */
  connected<T>(work: (connection: Connection) => Promise<T>, address?: string): Promise<T>;
}

interface GlobalOptions extends SecurityOptions {
  address?: string;
  domain?: string;
  contextTimeout?: string;
  transport?: string;
  output: OutputFormat;
}

const TIMEOUT_SECONDS = 10;

const aliased = (option: Option, ...names: string[]): Option => {
  setAliases(option, names);
  return option;
};

export function addGlobalOptions(program: Command): Command {
  program
    .addOption(
      aliased(
        new Option('--address <host:port>', 'server to talk to (default: 127.0.0.1:7833)').env('ANTIPHON_ADDRESS'),
        'ad',
      ),
    )
    .addOption(aliased(new Option('-d, --domain <name>', 'domain (default: default)').env('ANTIPHON_DOMAIN'), 'do'))
    .addOption(new Option('-o, --output <format>', 'form of the output').choices([...OUTPUT_FORMATS]).default('table'))
    .addOption(
      aliased(
        new Option('--context-timeout <seconds>', `longest wait for one answer (default: ${TIMEOUT_SECONDS})`).env(
          'CADENCE_CONTEXT_TIMEOUT',
        ),
        'ct',
      ),
    )
    .addOption(
      new Option('-t, --transport <protocol>', 'only grpc; there for scripts written for Cadence')
        .env('CADENCE_CLI_TRANSPORT_PROTOCOL')
        .hideHelp(),
    );
  return addSecurityOptions(program);
}

export function contextOf(command: Command): CliContext {
  const options = command.optsWithGlobals() as GlobalOptions;
  const address = options.address || process.env.CADENCE_CLI_ADDRESS || '127.0.0.1:7833';
  const givenDomain = options.domain || process.env.CADENCE_CLI_DOMAIN || undefined;
  if ((options.transport || 'grpc') !== 'grpc') {
    throw usageError(`--transport is "${options.transport}": Antiphon speaks grpc, and not tchannel.`);
  }
  const timeoutMs = timeoutSeconds(options.contextTimeout) * 1000;
  const create = (format: OutputFormat): CliContext => ({
    output: createOutput(format),
    address,
    domain: givenDomain ?? 'default',
    givenDomain,
    timeoutMs,
    withFormat: create,
    async connected(work, other = address) {
      checkAddress(other);
      const security = securityOf(options, createRealEnv());
      const connection = connect(other, { timeoutMs, security });
      try {
        return await work(connection);
      } catch (error) {
        throw isServiceError(error) ? failureOf(error, other) : error;
      } finally {
        connection.close();
        security.close();
      }
    },
  });
  checkAddress(address);
  return create(options.output);
}

function checkAddress(address: string): void {
  if (!/:\d+$/.test(address)) throw usageError(`--address must be host:port, and is "${address}"`);
}

function timeoutSeconds(text: string | undefined): number {
  if (text === undefined || text === '') return TIMEOUT_SECONDS;
  const seconds = /^\d+$/.test(text) ? wholeNumber(text) : 0;
  if (seconds < 1) throw usageError(`--context-timeout is "${text}": expected a whole number of seconds, at least 1.`);
  return seconds;
}

export function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected a whole number of 0 or more.');
  return Number(text);
}
