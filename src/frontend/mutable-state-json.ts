// The mutable state of a run as Cadence's admin tools read it: Go's JSON of persistence.WorkflowMutableState, with branch tokens in ThriftRW. `cadence
// admin workflow describe` decodes both, and shows nothing of a run where they are missing.
import { type ActivityInfo, ExecutionRecord, type HistoryBranch } from '@antiphon/proto/internal';

const bytes64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const time = (ms: number): string => new Date(ms).toISOString();

/** @param stateJson an ExecutionRecord, as HistoryClient.describeMutableState gives it. */
export function cadenceMutableState(stateJson: string): string {
  const { info, activities, timers, children, versionHistories } = ExecutionRecord.fromJSON(JSON.parse(stateJson));
  const current = versionHistories?.histories[versionHistories.currentIndex]?.branch;
  const { decision } = info ?? {};
  return JSON.stringify({
    ExecutionInfo: {
      DomainID: info?.domainId,
      WorkflowID: info?.workflowId,
      RunID: info?.runId,
      FirstExecutionRunID: info?.firstExecutionRunId,
      ParentDomainID: info?.parent?.domainId,
      ParentWorkflowID: info?.parent?.workflowExecution?.workflowId,
      ParentRunID: info?.parent?.workflowExecution?.runId,
      InitiatedID: info?.parent ? Number(info.parent.initiatedId) : undefined,
      TaskList: info?.taskList?.name,
      WorkflowTypeName: info?.workflowType,
      WorkflowTimeout: info?.executionTimeoutSeconds,
      DecisionStartToCloseTimeout: info?.taskTimeoutSeconds,
      State: Math.max(0, (info?.state ?? 0) - 1),
      CloseStatus: info?.closeStatus,
      LastFirstEventID: info?.lastFirstEventId,
      LastEventTaskID: info?.lastEventTaskId,
      NextEventID: info?.nextEventId,
      LastProcessedEvent: info?.lastProcessedEventId,
      StartTimestamp: time(info?.startTimeMs ?? 0),
      LastUpdatedTimestamp: time(info?.lastUpdateTimeMs ?? 0),
      CreateRequestID: info?.createRequestId,
      SignalCount: info?.signalCount,
      DecisionVersion: decision?.version,
      DecisionScheduleID: decision?.scheduleId,
      DecisionStartedID: decision?.startedId,
      DecisionTimeout: decision?.timeoutSeconds,
      DecisionAttempt: decision?.attempt,
      CancelRequested: info?.cancelRequested,
      StickyTaskList: info?.stickyTaskList,
      StickyScheduleToStartTimeout: info?.stickyScheduleToStartSeconds,
      ClientLibraryVersion: info?.clientLibraryVersion,
      ClientFeatureVersion: info?.clientFeatureVersion,
      ClientImpl: info?.clientImpl,
      Attempt: info?.attempt,
      HasRetryPolicy: info?.retryPolicy !== undefined,
      CronSchedule: info?.cronSchedule,
      IsCron: info?.cronSchedule !== '',
      BranchToken: current && bytes64(branchToken(current)),
    },
    ExecutionStats: { HistorySize: info?.historySizeBytes },
    ActivityInfos: Object.fromEntries(activities.map((each) => [each.scheduleId, activityOf(each)])),
    TimerInfos: Object.fromEntries(
      timers.map((each) => [
        each.timerId,
        { TimerID: each.timerId, StartedID: each.startedId, ExpiryTime: time(each.expiryTimeMs) },
      ]),
    ),
    ChildExecutionInfos: Object.fromEntries(
      children.map((each) => [
        each.initiatedId,
        {
          InitiatedID: each.initiatedId,
          StartedID: each.startedId,
          StartedWorkflowID: each.workflowId,
          StartedRunID: each.runId,
          WorkflowTypeName: each.workflowType,
        },
      ]),
    ),
    VersionHistories: {
      CurrentVersionHistoryIndex: versionHistories?.currentIndex ?? 0,
      Histories: (versionHistories?.histories ?? []).map(({ branch, items }) => ({
        BranchToken: branch && bytes64(branchToken(branch)),
        Items: items.map(({ eventId, version }) => ({ EventID: eventId, Version: version })),
      })),
    },
  });
}

const activityOf = (each: ActivityInfo): object => ({
  Version: each.version,
  ScheduleID: each.scheduleId,
  ScheduledTime: time(each.scheduledTimeMs),
  StartedID: each.startedId,
  StartedTime: time(each.startedTimeMs),
  ActivityID: each.activityId,
  CancelRequested: each.cancelRequested,
  Attempt: each.attempt,
  TaskList: each.taskList?.name,
  StartedIdentity: each.startedIdentity,
  HasRetryPolicy: each.retryPolicy !== undefined,
  LastFailureReason: each.lastFailure?.reason,
  LastWorkerIdentity: each.lastWorkerIdentity,
});

// Thrift's binary protocol, as much as a HistoryBranch needs.
const STRING = 11;
const LIST = 15;
const STRUCT = 12;
const I64 = 10;
const STOP = Buffer.from([0]);
const VERSION = Buffer.from([0x59]);

function field(type: number, id: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(3);
  head.writeInt8(type, 0);
  head.writeInt16BE(id, 1);
  return Buffer.concat([head, value]);
}

function string(text: string): Buffer {
  const value = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeInt32BE(value.length);
  return Buffer.concat([length, value]);
}

function i64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

/** shared.HistoryBranch: 10 tree id, 20 branch id, 30 ancestors, each 10 branch id, 20 first node, 30 end node. */
export function branchToken({ treeId, branchId, ancestors }: HistoryBranch): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeInt8(STRUCT, 0);
  head.writeInt32BE(ancestors.length, 1);
  const ranges = ancestors.map((ancestor, index) =>
    Buffer.concat([
      field(STRING, 10, string(ancestor.branchId)),
      field(I64, 20, i64(ancestors[index - 1]?.endNodeId ?? 1)),
      field(I64, 30, i64(ancestor.endNodeId)),
      STOP,
    ]),
  );
  return Buffer.concat([
    VERSION,
    field(STRING, 10, string(treeId)),
    field(STRING, 20, string(branchId)),
    field(LIST, 30, Buffer.concat([head, ...ranges])),
    STOP,
  ]);
}
