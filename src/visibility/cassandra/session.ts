// What this driver needs of a connection to Cassandra (persistence/cassandra's CassandraSession is one). Declared here, because only the
// composition root names store drivers.

export type CassandraValue = string | number | boolean | Buffer | null;

export interface CassandraStatement {
  readonly query: string;
  readonly params: CassandraValue[];
}

export interface SharedCassandraSession {
  read<Row>(what: string, query: string, params: CassandraValue[]): Promise<readonly Row[]>;
  pages<Row>(what: string, query: string, params: CassandraValue[], fetchSize: number): AsyncIterable<readonly Row[]>;
  /** Statements of one partition, which put the same cells when repeated. */
  write(what: string, statements: readonly CassandraStatement[]): Promise<void>;
  /** The same for several partitions, one list of statements each. */
  writeAll(what: string, partitions: Iterable<readonly CassandraStatement[]>): Promise<void>;
  /** The read met more deleted rows than a replica steps over. */
  isTombstoneFailure(error: unknown): boolean;
  close(): Promise<void>;
}
