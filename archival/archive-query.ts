// The port to the query language of visibility, so that archives are searched in the same words as live runs.
import type { VisibilityRecord } from '#visibility';

export interface ArchiveQuery {
  matches(record: VisibilityRecord): boolean;
  /** Bounds of CloseTime that every match lies within, when the query has them: days outside are not read. */
  readonly closedFromMs?: number | undefined;
  readonly closedToMs?: number | undefined;
}

/** Throws BadRequest for a query that does not parse. An empty query matches everything. */
export type CompileArchiveQuery = (query: string) => ArchiveQuery;
