// One connection to MySQL or MariaDB. A batch of several statements is one text, which the server runs until the first that fails; a single
// one is prepared. An error that the server answered had no effect once the transaction is rolled back, but for a few that may come from the
// commit itself.

import { once } from 'node:events';
import { type ConnectionOptions, checkServerIdentity, type TLSSocket } from 'node:tls';
import { createConnection } from 'mysql2';
import mysql, { type FieldPacket, type ResultSetHeader } from 'mysql2/promise';
import { type SqlConnection, SqlFailure, type SqlFailureKind } from '../sql/connection.ts';
import type { SqlServerOptions } from '../sql/server-options.ts';
import type { SqlResult, SqlRow, SqlScalar, SqlStatement } from '../sql/statement.ts';

const FAILURE_KINDS: Readonly<Record<number, SqlFailureKind>> = {
  1213: 'retryable', // deadlock
  1205: 'retryable', // waited too long for a lock
  1020: 'retryable', // changed since it was read
  1062: 'duplicate',
  1021: 'full', // disk
  1114: 'full', // table
  1153: 'full', // larger than max_allowed_packet
  1406: 'full', // longer than its column
  1053: 'lost', // shutting down
  1105: 'lost', // unknown
  1152: 'lost', // aborted connection
  1180: 'lost', // error during COMMIT
  1317: 'lost', // interrupted
  1927: 'lost', // killed
  3100: 'lost', // of a hook at COMMIT
  4031: 'lost', // inactive for too long
};
// A transaction of a host that was cut off shall not keep its locks: MySQL drops its connection, MariaDB ends the transaction before that.
const SESSION = `SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', SESSION autocommit = 1,
  SESSION wait_timeout = 120 /*M!100300 , SESSION idle_transaction_timeout = 30 */;
  SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED`;
const BINARY_CHARSET = 63;
const [VAR_STRING, STRING] = [253, 254];

type Row = Record<string, unknown>;
type Answer = Row[] | ResultSetHeader;

/** Binary columns of bounded length are our ids: texts that compare by bytes. */
function rowsOf(rows: readonly Row[], fields: readonly FieldPacket[] | undefined): readonly SqlRow[] {
  const texts = (fields ?? []).filter(({ columnType, type, characterSet }) => {
    const kind = columnType ?? type;
    return characterSet === BINARY_CHARSET && (kind === VAR_STRING || kind === STRING);
  });
  for (const row of rows) {
    for (const { name } of texts) {
      const value = row[name];
      if (Buffer.isBuffer(value)) row[name] = value.toString();
    }
  }
  return rows as readonly SqlRow[];
}

function resultOf(answer: Answer, fields: readonly FieldPacket[] | undefined): SqlResult {
  if (Array.isArray(answer)) return { rows: rowsOf(answer, fields), changes: 0 };
  const { affectedRows, insertId } = answer;
  return { rows: [], changes: affectedRows, ...(insertId > 0 ? { insertedId: insertId } : {}) };
}

/** What the driver threw, by whether the server answered it. */
export function mysqlFailure(error: unknown): SqlFailure {
  const {
    errno,
    code = '',
    fatal,
    sqlState,
    message,
  } = error as {
    errno?: number;
    code?: string;
    fatal?: boolean;
    sqlState?: string;
    message: string;
  };
  // The text of the statement, with everything that it was to write.
  Reflect.deleteProperty(error as object, 'sql');
  const isAnswer = !fatal && errno !== undefined && sqlState !== undefined;
  const kind: SqlFailureKind = isAnswer ? (FAILURE_KINDS[errno] ?? 'refused') : 'lost';
  return new SqlFailure(kind, code, code === '' ? message : `${message} (${code})`, { cause: error });
}

const parameterOf = (value: SqlScalar): SqlScalar =>
  value instanceof Uint8Array && !Buffer.isBuffer(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : value;

const parametersOf = ({ values }: SqlStatement): SqlScalar[] => values.map((value) => parameterOf(value as SqlScalar));

/** What of the driver's connection its types do not name. */
interface Upgradable {
  readonly stream: TLSSocket;
  startTLS(onSecure: (error?: Error) => void): void;
}

/** The driver leaves out `checkServerIdentity`: it is asked here, before the driver logs in. */
function checkIdentity(connection: Upgradable, host: string, tls: ConnectionOptions): void {
  const { checkServerIdentity: check = checkServerIdentity } = tls;
  const startTls = connection.startTLS.bind(connection);
  connection.startTLS = (onSecure) =>
    startTls((error) => onSecure(error ?? check(host, connection.stream.getPeerCertificate(true))));
}

async function openConnection(options: mysql.ConnectionOptions, tls: ConnectionOptions | undefined) {
  const connection = createConnection({ ...options, ...(tls && { ssl: tls as mysql.SslOptions }) });
  if (tls !== undefined) checkIdentity(connection as unknown as Upgradable, options.host ?? '', tls);
  try {
    await once(connection, 'connect');
  } catch (error) {
    connection.destroy();
    throw error;
  }
  return connection.promise();
}

export async function connectMysql(options: Omit<SqlServerOptions, 'maxConnections'>): Promise<SqlConnection> {
  const { host, port, database, user, password, timeoutMs } = options;
  let isUsable = true;
  let lost: (() => void) | undefined;
  let connection: mysql.Connection;
  try {
    const settings = {
      ...{ host, port, user, password },
      ...(database === '' ? {} : { database }),
      charset: 'utf8mb4_bin',
      multipleStatements: true,
      supportBigNumbers: true,
      connectTimeout: timeoutMs,
      enableKeepAlive: true,
    };
    connection = await openConnection(settings, options.tls?.());
  } catch (error) {
    throw mysqlFailure(error);
  }
  connection.on('error', () => {
    if (!isUsable) return;
    isUsable = false;
    lost?.();
  });
  const ask = async (statements: readonly SqlStatement[]): Promise<readonly SqlResult[]> => {
    const [first] = statements;
    if (statements.length === 1 && first?.isPrepared === true) {
      const [answer, fields] = await connection.execute<Row[] & ResultSetHeader>(first.text, parametersOf(first));
      return [resultOf(answer, fields)];
    }
    const text = statements.map((statement) => mysql.format(statement.text, parametersOf(statement))).join(';\n');
    const [answers, fields] = await connection.query<Row[] & ResultSetHeader>(text);
    if (statements.length === 1) return [resultOf(answers, fields)];
    return (answers as unknown as Answer[]).map((answer, index) =>
      resultOf(answer, (fields as unknown as (FieldPacket[] | undefined)[])[index]),
    );
  };
  // A connection that is cut off leaves its query unanswered for ever: this answers it.
  let cut: ((error: Error) => void) | undefined;
  const run = async (statements: readonly SqlStatement[]): Promise<readonly SqlResult[]> => {
    try {
      return await new Promise((resolve, reject) => {
        cut = reject;
        ask(statements).then(resolve, reject);
      });
    } catch (error) {
      const failure = mysqlFailure(error);
      if (failure.kind === 'lost') isUsable = false;
      throw failure;
    }
  };
  try {
    await connection.query({ sql: SESSION, timeout: timeoutMs });
  } catch (error) {
    connection.destroy();
    throw mysqlFailure(error);
  }
  return {
    get isUsable() {
      return isUsable;
    },
    run,
    end: async () => {
      isUsable = false;
      await connection.end();
    },
    destroy: () => {
      isUsable = false;
      connection.destroy();
      cut?.(new Error('the server did not answer in time'));
    },
    onLost: (callback) => {
      lost = callback;
    },
  };
}
