// Translates SQLite's errors to StoreErrors. The question is always: is it certain that nothing was written?
import Database from 'better-sqlite3';
import { StoreError } from '#base';

const codeOf = (error: unknown): string => (error instanceof Database.SqliteError ? error.code : '');

/**
 * An error of a statement: its transaction has not been committed, so nothing happened. Errors that are not
 * SQLite's pass unchanged.
 */
export function statementError(what: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === '') return error;
  const message = `${what}: ${(error as Error).message} (${code})`;
  const options = { cause: error };
  if (code === 'SQLITE_FULL') return new StoreError('Full', message, options);
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return new StoreError('Corrupt', message, options);
  if (code.startsWith('SQLITE_CONSTRAINT')) return new StoreError('ConditionFailed', message, options);
  return new StoreError('Unavailable', message, options);
}

/** An error of COMMIT: unless no frame can have reached the log whole, the outcome is unknown. */
export function commitError(error: unknown): unknown {
  const code = codeOf(error);
  if (code === 'SQLITE_FULL' || code.startsWith('SQLITE_BUSY')) return statementError('commit', error);
  if (code === '') return error;
  return new StoreError('Timeout', `commit: ${(error as Error).message} (${code}); the outcome is unknown`, {
    cause: error,
  });
}
