// Where a SQL server is and how to reach it, for both drivers, the schema tool and the configuration.
import type { ConnectionOptions } from 'node:tls';

export interface SqlServerOptions {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly maxConnections: number;
  /** Longest wait for an answer, and for a connection. */
  readonly timeoutMs: number;
  /** Asked at each new connection, so that renewed certificates count. None: in the clear. */
  readonly tls?: (() => ConnectionOptions) | undefined;
}

/** Flags of `antiphon schema` that lead to the database; the password is left to the environment. */
export const sqlSchemaFlags = (store: string, { host, port, user, database }: SqlServerOptions): string =>
  `--store ${store} --ep ${host} --port ${port} --user ${user} --db ${database}`;
