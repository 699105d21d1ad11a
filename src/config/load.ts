// Reads config files (YAML) and the environment into a validated ServerConfig. Every fault names its file and field.
import fs from 'node:fs';
import convict from 'convict';
import { parse } from 'yaml';
import { faultOfAuthorization } from './authorization-schema.ts';
import { faultOfCassandra } from './cassandra-schema.ts';
import { checkMembers, configSchema, type ServerConfig } from './schema.ts';
import { faultOfSqlServer } from './sql-schema.ts';
import { faultOfListenerTls } from './tls-schema.ts';
import { faultOfVisibility } from './visibility-schema.ts';

// Under this name, and only under it, convict takes a map as one value that a file replaces, instead of merging into the default.
convict.addFormat({ name: 'object', validate: checkMembers, coerce: (value: unknown) => value });

export class ConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfigError';
  }
}

type DeepPartial<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;
export type ConfigOverrides = DeepPartial<ServerConfig>;

function readFile(file: string): object {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`Cannot read config file ${file}: ${(error as Error).message}`, { cause: error });
  }
  try {
    const value: unknown = parse(text) ?? {};
    if (typeof value !== 'object' || Array.isArray(value)) throw new Error('the top level must be a map');
    return value as object;
  } catch (error) {
    throw new ConfigError(`Config file ${file} is not valid YAML: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws ConfigError naming what is wrong and where. */
export function loadConfig(options: {
  files?: readonly string[];
  overrides?: ConfigOverrides;
  environment?: NodeJS.ProcessEnv;
}): ServerConfig {
  const config = convict(configSchema as unknown as convict.Schema<ServerConfig>, {
    env: options.environment ?? process.env,
    args: [],
  });
  for (const file of options.files ?? []) config.load(readFile(file));
  if (options.overrides) config.load(options.overrides as object);
  try {
    config.validate({ allowed: 'strict' });
  } catch (error) {
    const where = options.files?.length ? ` (files: ${options.files.join(', ')})` : '';
    throw new ConfigError(`Invalid configuration${where}: ${(error as Error).message}`, { cause: error });
  }
  const value = config.getProperties() as ServerConfig;
  const { current, primary, members, failoverVersionIncrement } = value.cluster;
  for (const [field, name] of [
    ['cluster.current', current],
    ['cluster.primary', primary],
  ] as const) {
    if (members[name] === undefined) {
      throw new ConfigError(
        `${field} is ${name}, which cluster.members does not have (${Object.keys(members).join(', ')})`,
      );
    }
  }
  for (const [name, member] of Object.entries(members)) {
    if (member.initialFailoverVersion >= failoverVersionIncrement) {
      throw new ConfigError(
        `cluster.members.${name}.initialFailoverVersion must be below failoverVersionIncrement (${failoverVersionIncrement})`,
      );
    }
    if (name !== current && member.rpcAddress === '') {
      throw new ConfigError(
        `cluster.members.${name}.rpcAddress is missing: ${current} pulls from it and forwards to it`,
      );
    }
  }
  checkSecurity(value);
  const fault = value.persistence.driver === 'cassandra' ? faultOfCassandra(value.persistence.cassandra) : undefined;
  if (fault !== undefined) throw new ConfigError(`persistence.cassandra: ${fault}`);
  const { driver } = value.persistence;
  if (driver === 'postgres' || driver === 'mysql') {
    const fault = faultOfSqlServer(value.persistence[driver]);
    if (fault !== undefined) throw new ConfigError(`persistence.${driver}: ${fault}`);
  }
  checkCluster(value);
  const visibilityFault = faultOfVisibility(value.visibility);
  if (visibilityFault !== undefined) throw new ConfigError(`visibility: ${visibilityFault}`);
  if (value.archival.enabled && value.archival.uri === '') {
    throw new ConfigError('archival.enabled needs archival.uri, as file:///var/lib/antiphon/archive');
  }
  return value;
}

const SERVICES = ['frontend', 'history', 'matching', 'worker'];

function checkCluster({ services, rpc, membership, persistence }: ServerConfig): void {
  const unknown = services.find((name) => !SERVICES.includes(name));
  if (unknown !== undefined) {
    throw new ConfigError(`services: ${JSON.stringify(unknown)} is not one of ${SERVICES.join(', ')}`);
  }
  if (services.length === 0) throw new ConfigError(`services is empty: name some of ${SERVICES.join(', ')}`);
  const isAlone = rpc.address === '';
  if (isAlone && SERVICES.some((name) => !services.includes(name))) {
    throw new ConfigError('services: a process that does not run all of them needs rpc.address, to reach the others');
  }
  const { driver } = persistence;
  if (!isAlone && (driver === 'memory' || driver === 'sqlite')) {
    throw new ConfigError(
      `rpc.address: the hosts of a region share one store, and persistence.driver ${driver} serves one process; ` +
        'use cassandra, postgres or mysql',
    );
  }
  if (membership.heartbeatMs < 50) throw new ConfigError('membership.heartbeatMs must be at least 50');
  if (membership.leaseMs < 3 * membership.heartbeatMs) {
    throw new ConfigError('membership.leaseMs must be at least three times membership.heartbeatMs');
  }
}

function checkSecurity({ frontend, metrics, rpc, authorization }: ServerConfig): void {
  for (const [where, tls] of [
    ['frontend.tls', frontend.tls],
    ['metrics.tls', metrics.tls],
    ['rpc.tls', rpc.tls],
  ] as const) {
    const fault = faultOfListenerTls(tls);
    if (fault !== undefined) throw new ConfigError(`${where}: ${fault}`);
  }
  const fault = faultOfAuthorization(authorization, frontend.tls.requireClientAuth);
  if (fault !== undefined) throw new ConfigError(`authorization: ${fault}`);
}
