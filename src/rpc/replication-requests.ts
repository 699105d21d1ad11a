// What the passive side applies. The shapes of admin.v1 HistoryTaskV2 and SyncActivity, decoded to the engine's numbers.
import type { Failure, HistoryEvent, Payload } from '@antiphon/proto';

export interface ReplicatedVersionItem {
  readonly eventId: number;
  readonly version: number;
}

export interface HistoryReplicationRequest {
  readonly sourceCluster: string;
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
  /** Version history of the source's branch up to and including these events. */
  readonly versionHistoryItems: readonly ReplicatedVersionItem[];
  /** One batch. */
  readonly events: readonly HistoryEvent[];
  /** First batch of the run that the last event continues as. */
  readonly newRunEvents: readonly HistoryEvent[];
  readonly newRunId: string;
  /** Refused as EntityNotExists where the run is not here, instead of making it. */
  readonly mustExist?: boolean | undefined;
}

export interface SyncActivityRequest {
  readonly sourceCluster: string;
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly version: number;
  readonly scheduledId: number;
  readonly scheduledTimeMs: number;
  /** 0: not started. */
  readonly startedId: number;
  readonly startedTimeMs: number;
  readonly lastHeartbeatMs: number;
  readonly details?: Payload | undefined;
  readonly attempt: number;
  readonly lastFailure?: Failure | undefined;
  readonly lastWorkerIdentity: string;
  readonly versionHistoryItems: readonly ReplicatedVersionItem[];
}
