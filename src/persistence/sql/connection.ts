// The connection port of the SQL drivers: one connection to one server, one batch at a time. A batch is one round trip; inside a transaction
// its statements run in order, and after the first that fails none has an effect. Drivers say of a failure whether the server answered it.
import type { SqlResult, SqlStatement } from './statement.ts';

export interface SqlConnection {
  /** False once it was lost or destroyed. */
  readonly isUsable: boolean;
  /** Rejects with SqlFailure. */
  run(statements: readonly SqlStatement[]): Promise<readonly SqlResult[]>;
  /** Says goodbye. */
  end(): Promise<void>;
  /** Cuts it off; a batch under way rejects as lost. */
  destroy(): void;
  /** Called once when the connection is gone while nothing runs. */
  onLost(callback: () => void): void;
}

export type SqlFailureKind =
  /** The server refused the statement: it had no effect, and neither will its transaction. */
  | 'refused'
  /** The same, and the same again may well succeed: a deadlock, a serialization failure. */
  | 'retryable'
  /** A unique key has such a row. */
  | 'duplicate'
  /** No space, or too much at once. */
  | 'full'
  /** The connection is gone, or nobody knows what the server did. */
  | 'lost';

export class SqlFailure extends Error {
  readonly kind: SqlFailureKind;
  /** The server's own code of it; empty when it said none. */
  readonly code: string;

  constructor(kind: SqlFailureKind, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SqlFailure';
    this.kind = kind;
    this.code = code;
  }
}
