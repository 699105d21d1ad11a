// Archival as the services see it. The history service hands over closed runs; the frontend reads archives back.
import type { WorkflowExecutionInfo } from '@antiphon/proto';

export interface ClosedRun {
  readonly domainId: string;
  readonly domainName: string;
  readonly workflowId: string;
  readonly runId: string;
  /** Version of the close event: part of the archive's identity. */
  readonly closeFailoverVersion: number;
  readonly info: WorkflowExecutionInfo;
  readonly historyUri: string;
  readonly visibilityUri: string;
  /** Encoded api.v1.History of each batch of the run, in order, from event 1 to the close event. */
  readBatches(): AsyncIterable<Uint8Array>;
}

export interface Archiver {
  /** Resolves when the run is in the archive and was read back and verified. Idempotent. */
  archive(run: ClosedRun): Promise<void>;
  /** Encoded api.v1.History messages of a page; undefined: not in the archive. */
  readHistory(
    run: { domainId: string; workflowId: string; runId: string; historyUri: string },
    page: { size: number; token: Uint8Array },
  ): Promise<{ historyBlobs: readonly Uint8Array[]; nextPageToken: Uint8Array } | undefined>;
  list(
    domain: { id: string; visibilityUri: string },
    query: string,
    page: { size: number; token: Uint8Array },
  ): Promise<{ executions: readonly WorkflowExecutionInfo[]; nextPageToken: Uint8Array }>;
  start(): void;
  stop(): Promise<void>;
}
