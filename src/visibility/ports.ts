// Visibility: finding runs. A projection beside the histories, eventually consistent (fed by transfer tasks).
import type { Memo, SearchAttributes } from '@antiphon/proto';

export interface VisibilityRecord {
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly workflowType: string;
  readonly taskList: string;
  readonly startTimeMs: number;
  /** Start plus the first decision's backoff. */
  readonly executionTimeMs: number;
  /** undefined while open. */
  readonly closeTimeMs?: number | undefined;
  /** api.v1.WorkflowExecutionCloseStatus; 0 while open. */
  readonly closeStatus: number;
  readonly historyLength: number;
  readonly isCron: boolean;
  readonly cronSchedule: string;
  readonly memo?: Memo | undefined;
  readonly searchAttributes?: SearchAttributes | undefined;
  readonly parentWorkflowId?: string | undefined;
  readonly parentRunId?: string | undefined;
  /** Clusters of the domain when this was written. */
  readonly numClusters?: number | undefined;
  /** By which the active cluster of the run is chosen, where it is. */
  readonly clusterAttribute?: { readonly scope: string; readonly name: string } | undefined;
  readonly updateTimeMs: number;
  /** Task id of the write: an older one never overwrites a newer. */
  readonly version: number;
}

export type Listing =
  | { readonly kind: 'query'; readonly query: string }
  | {
      readonly kind: 'filter';
      readonly open: boolean;
      readonly earliestMs: number;
      readonly latestMs: number;
      readonly workflowId?: string | undefined;
      readonly runId?: string | undefined;
      readonly workflowType?: string | undefined;
      readonly closeStatus?: number | undefined;
    };

export interface VisibilityStore {
  upsert(records: readonly VisibilityRecord[]): Promise<void>;
  remove(domainId: string, workflowId: string, runId: string): Promise<void>;
  /**
   * Default order: start time, newest first; a filter for closed runs bounds and orders by close time. A bad query throws
   * BadRequest with a caret under the fault.
   */
  list(
    domainId: string,
    listing: Listing,
    page: { readonly size: number; readonly token?: Uint8Array | undefined },
  ): Promise<{ readonly records: readonly VisibilityRecord[]; readonly nextToken?: Uint8Array | undefined }>;
  count(domainId: string, query: string): Promise<number>;
  close(): Promise<void>;
}
