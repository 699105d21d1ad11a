// Where a SQL server is and how to reach it, for both drivers, the schema tool and the configuration.
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { StoreError } from '#base';

export interface SqlServerTls {
  readonly enabled: boolean;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
  readonly caFiles?: readonly string[];
  readonly serverName?: string;
  readonly enableHostVerification?: boolean;
}

export interface SqlServerOptions {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly maxConnections: number;
  /** Longest wait for an answer, and for a connection. */
  readonly timeoutMs: number;
  readonly tls: SqlServerTls;
}

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StoreError('Unavailable', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
};

/** Undefined: in the clear. Files are read at each new connection, so that renewed certificates count. */
export function sqlTlsOptions(tls: SqlServerTls): ConnectionOptions | undefined {
  if (!tls.enabled) return undefined;
  const {
    certFile = '',
    keyFile = '',
    caFile = '',
    caFiles = [],
    serverName = '',
    enableHostVerification = true,
  } = tls;
  const authorities = caFile === '' ? caFiles : [caFile, ...caFiles];
  return {
    ...(certFile === '' ? {} : { cert: read(certFile) }),
    ...(keyFile === '' ? {} : { key: read(keyFile) }),
    ...(authorities.length === 0 ? {} : { ca: authorities.map(read) }),
    ...(serverName === '' ? {} : { servername: serverName }),
    ...(enableHostVerification ? {} : { checkServerIdentity: () => undefined }),
  };
}

/** Flags of `antiphon schema` that lead to the database; the password is left to the environment. */
export const sqlSchemaFlags = (store: string, { host, port, user, database }: SqlServerOptions): string =>
  `--store ${store} --ep ${host} --port ${port} --user ${user} --db ${database}`;
