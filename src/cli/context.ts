// What every command gets from the global options: connection, output, domain.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Connection, connect } from './connection.ts';
import { failureOf, isServiceError, usageError } from './failure.ts';
import { createOutput, type Output, type OutputFormat } from './ui/output.ts';

export interface CliContext {
  readonly output: Output;
  readonly address: string;
  /** The domain of --domain or ANTIPHON_DOMAIN; `default` when neither is set. */
  readonly domain: string;
  /** Runs `work` with a connection that is closed afterwards. */
  connected<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
}

interface GlobalOptions {
  address: string;
  domain: string;
  output: OutputFormat;
}

export function addGlobalOptions(program: Command): Command {
  return program
    .addOption(
      new Option('--address <host:port>', 'server to talk to').env('ANTIPHON_ADDRESS').default('127.0.0.1:7833'),
    )
    .addOption(new Option('-d, --domain <name>', 'domain').env('ANTIPHON_DOMAIN').default('default'))
    .addOption(
      new Option('-o, --output <format>', 'form of the output').choices(['table', 'json', 'jsonl']).default('table'),
    );
}

export function contextOf(command: Command): CliContext {
  const options = command.optsWithGlobals() as GlobalOptions;
  if (!/:\d+$/.test(options.address)) {
    throw usageError(`--address must be host:port, and is "${options.address}"`);
  }
  return {
    output: createOutput(options.output),
    address: options.address,
    domain: options.domain,
    async connected(work) {
      const connection = connect(options.address);
      try {
        return await work(connection);
      } catch (error) {
        throw isServiceError(error) ? failureOf(error, options.address) : error;
      } finally {
        connection.close();
      }
    },
  };
}

/** Parses `10s`, `5m`, `2h`, `1d` or plain seconds to whole seconds. */
export function seconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim());
  if (!match) throw new InvalidArgumentError('expected a duration such as 30s, 5m, 2h or 1d.');
  const factor = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 }[(match[2] ?? 's') as 's'];
  return Math.ceil(Number(match[1]) * factor);
}

export function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected a whole number of 0 or more.');
  return Number(text);
}

/** JSON values one after another, as `--input '"order-1" {"amount": 3}'`, to a payload in the Go client's form. */
export function payloadOf(text: string | undefined): { data: Uint8Array } | undefined {
  if (text === undefined) return undefined;
  const values: string[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const length = firstJsonLength(rest);
    values.push(JSON.stringify(JSON.parse(rest.slice(0, length))));
    rest = rest.slice(length).trim();
  }
  return { data: Buffer.from(values.map((value) => `${value}\n`).join('')) };
}

function firstJsonLength(text: string): number {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    if (inString) {
      if (char === '\\') i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    const next = text[i + 1];
    if (
      depth === 0 &&
      !inString &&
      (next === undefined || /\s/.test(next) || char === '"' || char === '}' || char === ']')
    ) {
      const piece = text.slice(0, i + 1);
      try {
        JSON.parse(piece);
        return i + 1;
      } catch (error) {
        if (next === undefined) throw inputError(text, error);
      }
    }
  }
  throw inputError(text, undefined);
}

const inputError = (text: string, cause: unknown): Error =>
  usageError(
    `not JSON: ${text.length > 80 ? `${text.slice(0, 80)}…` : text}${cause instanceof Error ? ` (${cause.message})` : ''}`,
    'Strings need double quotes inside the shell quotes: --input \'"order-1"\'.',
  );

export const duration = (value: number): { seconds: bigint; nanos: number } => ({ seconds: BigInt(value), nanos: 0 });
