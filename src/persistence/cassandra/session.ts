// The connection to Cassandra: every statement prepared and sent to a replica of its partition, results read page by page, errors
// translated. Only what may be done twice is ever repeated by the driver: reads, and writes that put the same cells again. A conditional
// write is sent once.
import type { ConnectionOptions } from 'node:tls';
import { auth, Client, policies, types } from 'cassandra-driver';
import { isStoreError, StoreError } from '#base';
import type { Env } from '#env';
import { mendControlConnection } from './control-connection.ts';
import { isTombstoneFailure, readError, writeError } from './errors.ts';
import './stream-ids.ts';

export const CONSISTENCIES = ['LOCAL_QUORUM', 'QUORUM'] as const;
export const SERIAL_CONSISTENCIES = ['LOCAL_SERIAL', 'SERIAL'] as const;

export interface CassandraOptions {
  /** host or host:port. */
  readonly contactPoints: readonly string[];
  readonly localDataCenter: string;
  /** None for the tool that makes it. */
  readonly keyspace?: string | undefined;
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  /** Asked at each new connection, so that renewed certificates count. None: in the clear. */
  readonly tls?: (() => ConnectionOptions) | undefined;
  /** Of reads, writes and the commits of conditional writes. Less than a quorum would miss what was acknowledged. */
  readonly consistency?: (typeof CONSISTENCIES)[number] | undefined;
  /** Of the conditions. */
  readonly serialConsistency?: (typeof SERIAL_CONSISTENCIES)[number] | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** After it a write's outcome is unknown. */
  readonly requestTimeoutMs?: number | undefined;
}

export type Value = string | number | boolean | Buffer | null;

export interface Statement {
  readonly query: string;
  readonly params: Value[];
}

export interface Applied {
  readonly isApplied: boolean;
  /** When not applied: the rows that the conditions were about, as they are. */
  readonly rows: readonly types.Row[];
}

export interface ReadOptions {
  /** Completes what an unknown outcome left in flight, and sees it. */
  readonly serial?: boolean;
  readonly fetchSize?: number;
}

export interface CassandraSession {
  /** All rows; `Row` names the columns that the query selects. */
  read<Row>(what: string, query: string, params: Value[], options?: ReadOptions): Promise<readonly Row[]>;
  /** Page by page, for reads without a small bound. */
  pages<Row>(what: string, query: string, params: Value[], fetchSize: number): AsyncIterable<readonly Row[]>;
  /** Statements of one partition, together, without a condition. Must put the same cells when repeated. */
  write(what: string, statements: readonly Statement[]): Promise<void>;
  /** The same for several partitions, one list of statements each. Settles when all have ended; each partition is whole or not written. */
  writeAll(what: string, partitions: Iterable<readonly Statement[]>): Promise<void>;
  /** Statements of one partition, at least one with a condition: all of them, or nothing. */
  compareAndSet(what: string, statements: readonly Statement[]): Promise<Applied>;
  /** The read met more deleted rows than a replica steps over. */
  isTombstoneFailure(error: unknown): boolean;
  /** A change of the schema, unprepared. */
  define(what: string, query: string): Promise<void>;
  close(): Promise<void>;
}

/** Of 64-bit columns the driver gives Longs. */
export const toNumber = (value: { toNumber(): number } | null | undefined): number => value?.toNumber() ?? 0;

export const toBlob = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const FETCH_SIZE = 1_000;
// Small writes of several partitions share a request: it costs more than they do. Bounds as the server's, which warns of more.
const PARTITIONS_PER_REQUEST = 10;
const BYTES_PER_REQUEST = 4_096;
const SCHEMA_TIMEOUT_MS = 60_000;
// While no node answers nothing is served: a try costs a connection, waiting costs the region.
const RECONNECT_MS_MIN = 100;
const RECONNECT_MS_MAX = 2_000;

/** Repeats what may be repeated, once, on the next host; nothing else, whatever the driver's default is. */
class RepeatIdempotentOnly extends policies.retry.RetryPolicy {
  override onUnavailable(...args: Parameters<policies.retry.RetryPolicy['onUnavailable']>) {
    return args[0].executionOptions.isIdempotent() ? super.onUnavailable(...args) : this.rethrowResult();
  }

  override onRequestError(...args: Parameters<policies.retry.RetryPolicy['onRequestError']>) {
    const [{ executionOptions, nbRetry }] = args;
    return executionOptions.isIdempotent() && nbRetry === 0 ? super.onRequestError(...args) : this.rethrowResult();
  }

  override onWriteTimeout(...args: Parameters<policies.retry.RetryPolicy['onWriteTimeout']>) {
    return args[0].executionOptions.isIdempotent() ? super.onWriteTimeout(...args) : this.rethrowResult();
  }
}

const CONSISTENCY_CODES = {
  LOCAL_QUORUM: types.consistencies.localQuorum,
  QUORUM: types.consistencies.quorum,
  LOCAL_SERIAL: types.consistencies.localSerial,
  SERIAL: types.consistencies.serial,
} as const;

const sizeOf = (statements: readonly Statement[]): number => {
  let bytes = 0;
  for (const { params } of statements) {
    for (const param of params) bytes += typeof param === 'string' || Buffer.isBuffer(param) ? param.length : 8;
  }
  return bytes;
};

/** What goes out in one request: many small partitions, or one. */
function* requestsOf(partitions: Iterable<readonly Statement[]>): Generator<readonly Statement[]> {
  let request: Statement[] = [];
  let count = 0;
  let bytes = 0;
  for (const statements of partitions) {
    const size = sizeOf(statements);
    if (count > 0 && (count === PARTITIONS_PER_REQUEST || bytes + size > BYTES_PER_REQUEST)) {
      yield request;
      [request, count, bytes] = [[], 0, 0];
    }
    for (const statement of statements) request.push(statement);
    count++;
    bytes += size;
  }
  if (count > 0) yield request;
}

/** The driver keeps the object, and copies its fields for each connection. */
function askedEachTime(tls: () => ConnectionOptions): ConnectionOptions {
  const names = Object.keys(tls()) as (keyof ConnectionOptions)[];
  const fields = names.map((name) => [name, { enumerable: true, get: () => tls()[name] }] as const);
  return Object.defineProperties({}, Object.fromEntries(fields));
}

function createClient(options: CassandraOptions, env: Env): Client {
  const { credentials, tls } = options;
  const readTimeout = options.requestTimeoutMs ?? 10_000;
  const client = new Client({
    contactPoints: [...options.contactPoints],
    localDataCenter: options.localDataCenter,
    ...(options.keyspace !== undefined && { keyspace: options.keyspace }),
    queryOptions: {
      prepare: true,
      consistency: CONSISTENCY_CODES[options.consistency ?? 'LOCAL_QUORUM'],
      serialConsistency: CONSISTENCY_CODES[options.serialConsistency ?? 'LOCAL_SERIAL'],
      fetchSize: FETCH_SIZE,
    },
    socketOptions: { connectTimeout: options.connectTimeoutMs ?? 5_000, readTimeout },
    policies: {
      loadBalancing: new policies.loadBalancing.TokenAwarePolicy(
        new policies.loadBalancing.DCAwareRoundRobinPolicy(options.localDataCenter),
      ),
      retry: new RepeatIdempotentOnly(),
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(RECONNECT_MS_MIN, RECONNECT_MS_MAX, false),
    },
    ...(credentials && { authProvider: new auth.PlainTextAuthProvider(credentials.username, credentials.password) }),
    ...(tls && { sslOptions: askedEachTime(tls) }),
  });
  client.on('log', (level: string, source: string, message: string) => {
    if (level === 'warning' || level === 'error') env.logger.warn('cassandra driver', { source, message });
  });
  mendControlConnection(client, env);
  return client;
}

export async function openCassandraSession(options: CassandraOptions, env: Env): Promise<CassandraSession> {
  const client = createClient(options, env);
  try {
    await client.connect();
  } catch (error) {
    await client.shutdown();
    const where = `${options.contactPoints.join(', ')}, data center ${options.localDataCenter}, keyspace ${options.keyspace ?? '(none)'}`;
    throw new StoreError('Unavailable', `cannot connect to Cassandra at ${where}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return sessionOf(client, options, env);
}

function sessionOf(client: Client, options: CassandraOptions, env: Env): CassandraSession {
  const serialRead = { consistency: CONSISTENCY_CODES[options.serialConsistency ?? 'LOCAL_SERIAL'] };
  const unknownOutcomes = env.metrics.counter('store_cassandra_unknown_outcomes', 'Writes whose outcome is unknown');
  const counted = (error: unknown): unknown => {
    if (isStoreError(error, 'Timeout')) unknownOutcomes.inc();
    return error;
  };
  let isClosed = false;
  const requireOpen = (what: string): void => {
    if (isClosed) throw new StoreError('Unavailable', `${what}: the store is closed`);
  };
  const readPage = async (what: string, query: string, params: Value[], how: object): Promise<types.ResultSet> => {
    requireOpen(what);
    const result = await client.execute(query, params, { isIdempotent: true, ...how }).catch((error: unknown) => {
      throw readError(what, error);
    });
    // The driver's declaration leaves out that an answer which is not of a read has none.
    if ((result.rows as unknown) === undefined) {
      throw new StoreError('Unavailable', `${what}: the answer has no rows, so it is not of this read`);
    }
    return result;
  };
  const send = async (what: string, run: () => Promise<types.ResultSet>): Promise<types.ResultSet> => {
    requireOpen(what);
    try {
      return await run();
    } catch (error) {
      throw counted(writeError(what, error));
    }
  };
  const sendAll = (statements: readonly Statement[], how: object): Promise<types.ResultSet> => {
    const [first] = statements;
    if (first !== undefined && statements.length === 1) return client.execute(first.query, first.params, how);
    // The declaration wants a mutable array and leaves it as it is.
    return client.batch(statements as Statement[], how);
  };
  const write = async (what: string, statements: readonly Statement[]): Promise<void> => {
    if (statements.length === 0) return;
    await send(what, () => sendAll(statements, { isIdempotent: true, logged: false }));
  };
  async function* pages<Row>(
    what: string,
    query: string,
    params: Value[],
    fetchSize: number,
  ): AsyncGenerator<readonly Row[]> {
    let pageState: string | undefined;
    do {
      const page = await readPage(what, query, params, { fetchSize, ...(pageState !== undefined && { pageState }) });
      // The caller's query selects what Row names.
      yield page.rows as unknown as readonly Row[];
      pageState = page.pageState ?? undefined;
    } while (pageState !== undefined);
  }
  return {
    read: async <Row>(what: string, query: string, params: Value[], how: ReadOptions = {}) => {
      const { serial = false, fetchSize = FETCH_SIZE } = how;
      const consistency = serial ? serialRead : {};
      const first = await readPage(what, query, params, { fetchSize, ...consistency });
      if (first.pageState === null || first.pageState === undefined) return first.rows as unknown as readonly Row[];
      const rows = [...first.rows];
      for (let pageState: string | null | undefined = first.pageState; pageState; ) {
        const page: types.ResultSet = await readPage(what, query, params, { fetchSize, pageState, ...consistency });
        for (const row of page.rows) rows.push(row);
        pageState = page.pageState;
      }
      return rows as unknown as readonly Row[];
    },
    pages,
    write,
    writeAll: async (what, partitions) => {
      const outcomes = await Promise.allSettled(Array.from(requestsOf(partitions), (request) => write(what, request)));
      const failure = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
    },
    compareAndSet: async (what, statements) => {
      const { rows } = await send(what, () => sendAll(statements, { isIdempotent: false, logged: true }));
      const isApplied: unknown = rows?.[0]?.['[applied]'];
      if (typeof isApplied === 'boolean') return { isApplied, rows };
      // The driver's `wasApplied` would say yes.
      throw counted(
        new StoreError('Timeout', `${what}: the answer says nothing of a condition; the outcome is unknown`),
      );
    },
    isTombstoneFailure,
    define: async (what, query) => {
      await send(what, () =>
        client.execute(query, [], { prepare: false, isIdempotent: true, readTimeout: SCHEMA_TIMEOUT_MS }),
      );
    },
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await client.shutdown();
    },
  };
}
