// One connection to PostgreSQL. A batch is pipelined: all its statements go out at once, each prepared by name where its text is one of a fixed
// set. After a statement of a transaction failed the server refuses the others and turns COMMIT into ROLLBACK. An error that the server
// answered had no effect; one that ended the connection may have come after the commit.
import type { Socket } from 'node:net';
import pg, { type QueryResult } from 'pg';
import { type SqlConnection, SqlFailure, type SqlFailureKind } from '../sql/connection.ts';
import type { SqlServerOptions } from '../sql/server-options.ts';
import type { SqlResult, SqlRow, SqlScalar, SqlStatement, SqlValue } from '../sql/statement.ts';
import { escapeText, unescapeText } from './text-escape.ts';

const INT8 = 20;
const FAILURE_KINDS: Readonly<Record<string, SqlFailureKind>> = {
  '40001': 'retryable', // serialization failure
  '40P01': 'retryable', // deadlock detected
  '23505': 'duplicate', // unique violation
  '53100': 'full', // disk full
  '54000': 'full', // a limit of the server
};
// Our statements reach rows by their keys. On tables without statistics yet, the planner would rather read them whole; and a transaction of
// a host that was cut off shall not keep its locks.
const SESSION = `SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
  SET idle_in_transaction_session_timeout = '30s'; SET default_transaction_isolation = 'read committed'`;

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
};

interface Prepared {
  readonly name: string;
  readonly text: string;
}
// Names are the same in all connections; each prepares what it meets.
const prepared = new Map<string, Prepared>();

const numbered = (text: string): string => {
  let count = 0;
  return text.replaceAll('?', () => `$${++count}`);
};

function preparedForm(text: string): Prepared {
  const known = prepared.get(text);
  if (known !== undefined) return known;
  const form = { name: `antiphon_${prepared.size + 1}`, text: numbered(text) };
  prepared.set(text, form);
  return form;
}

const scalarOf = (value: SqlScalar): SqlScalar => {
  if (typeof value === 'string') return escapeText(value);
  // A view of its bytes: the driver takes Buffers.
  return value instanceof Uint8Array && !Buffer.isBuffer(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : value;
};
const parameterOf = (value: SqlValue): SqlValue =>
  Array.isArray(value) ? value.map(scalarOf) : scalarOf(value as SqlScalar);

const queryOf = ({ text, values, isPrepared }: SqlStatement): pg.QueryConfig => {
  if (values.length === 0 && !isPrepared) return { text };
  const parameters = values.map(parameterOf);
  return isPrepared ? { ...preparedForm(text), values: parameters } : { text: numbered(text), values: parameters };
};

function resultOf(answer: QueryResult<SqlRow> | readonly QueryResult<SqlRow>[]): SqlResult {
  // Several statements in one text have several results, which nobody asks for.
  if (Array.isArray(answer)) return { rows: [], changes: 0 };
  const { rows, rowCount } = answer as QueryResult<SqlRow>;
  for (const row of rows) {
    for (const [column, value] of Object.entries(row)) {
      if (typeof value === 'string') (row as Record<string, SqlScalar>)[column] = unescapeText(value);
    }
  }
  const insertedId = rows[0]?.inserted_id;
  return { rows, changes: rowCount ?? 0, ...(typeof insertedId === 'number' ? { insertedId } : {}) };
}

/** What the driver threw, by whether the server answered it. */
export function postgresFailure(error: unknown): SqlFailure {
  const { code = '', severity, message } = error as { code?: string; severity?: string; message: string };
  const isAnswer = severity === 'ERROR';
  const kind: SqlFailureKind = isAnswer ? (FAILURE_KINDS[code] ?? 'refused') : 'lost';
  return new SqlFailure(kind, code, code === '' ? message : `${message} (${code})`, { cause: error });
}

/** The driver's socket, which it does not name in its types. */
const socketOf = (client: pg.Client): Socket =>
  (client as unknown as { connection: { stream: Socket } }).connection.stream;

export async function connectPostgres(
  options: Omit<SqlServerOptions, 'maxConnections'>,
  settings: { readonly isForTools?: boolean } = {},
): Promise<SqlConnection> {
  const { host, port, database, user, password, timeoutMs } = options;
  const client = new pg.Client({
    ...{ host, port, database, user, password, types },
    ssl: options.tls?.() ?? false,
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    application_name: 'antiphon',
    pipeline: true,
  } as pg.ClientConfig);
  let isUsable = true;
  let lost: (() => void) | undefined;
  const onEnd = (): void => {
    if (!isUsable) return;
    isUsable = false;
    lost?.();
  };
  client.on('error', onEnd);
  client.on('end', onEnd);
  try {
    await client.connect();
    if (!settings.isForTools) await client.query({ text: SESSION, query_timeout: timeoutMs } as pg.QueryConfig);
  } catch (error) {
    isUsable = false;
    socketOf(client).destroy();
    throw postgresFailure(error);
  }
  const send = (statements: readonly SqlStatement[]): readonly Promise<QueryResult<SqlRow>>[] => {
    // All of them in one write: a system call for each was a fifth of the server's time.
    const socket = socketOf(client);
    socket.cork();
    try {
      return statements.map((statement) => client.query<SqlRow>(queryOf(statement)));
    } finally {
      socket.uncork();
    }
  };
  return {
    get isUsable() {
      return isUsable;
    },
    run: async (statements) => {
      const outcomes = await Promise.allSettled(send(statements));
      const results: SqlResult[] = [];
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') throw postgresFailure(outcome.reason);
        results.push(resultOf(outcome.value));
      }
      return results;
    },
    end: async () => {
      isUsable = false;
      await client.end();
    },
    destroy: () => {
      isUsable = false;
      socketOf(client).destroy();
    },
    onLost: (callback) => {
      lost = callback;
    },
  };
}
