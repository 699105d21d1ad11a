// Who may call what: one row for every RPC of every service. Deny by default: an RPC without a row cannot be served (the type demands the row,
// and so does `permissionOf`). Rows follow Cadence's (semantics §8.3) but close what it leaves open: answers of workers, heartbeats, sticky
// resets and …ByID need PROCESS of the task's domain, ListDomains shows what the caller may read, cluster reads need a caller who is known.
import type { SERVICE_DEFINITIONS, ServiceName } from '#rpc';

/**
 * `open`: anybody. `known`: any valid token. `read`, `write`, `process`: of the call's domain. `admin`: the admin claim.
 */
export type Permission = 'open' | 'known' | 'read' | 'write' | 'process' | 'admin';

export type PermissionTable = {
  readonly [K in ServiceName]: { readonly [M in keyof (typeof SERVICE_DEFINITIONS)[K]]: Permission };
};

export const PERMISSIONS: PermissionTable = {
  workflow: {
    restartWorkflowExecution: 'write',
    startWorkflowExecution: 'write',
    startWorkflowExecutionAsync: 'write',
    signalWorkflowExecution: 'write',
    signalWithStartWorkflowExecution: 'write',
    signalWithStartWorkflowExecutionAsync: 'write',
    resetWorkflowExecution: 'write',
    requestCancelWorkflowExecution: 'write',
    terminateWorkflowExecution: 'write',
    refreshWorkflowTasks: 'write',
    describeWorkflowExecution: 'read',
    queryWorkflow: 'read',
    describeTaskList: 'read',
    getTaskListsByDomain: 'read',
    listTaskListPartitions: 'read',
    getWorkflowExecutionHistory: 'read',
    diagnoseWorkflowExecution: 'read',
    getClusterInfo: 'known',
  },
  worker: {
    pollForDecisionTask: 'process',
    respondDecisionTaskCompleted: 'process',
    respondDecisionTaskFailed: 'process',
    pollForActivityTask: 'process',
    respondActivityTaskCompleted: 'process',
    respondActivityTaskCompletedById: 'process',
    respondActivityTaskFailed: 'process',
    respondActivityTaskFailedById: 'process',
    respondActivityTaskCanceled: 'process',
    respondActivityTaskCanceledById: 'process',
    recordActivityTaskHeartbeat: 'process',
    recordActivityTaskHeartbeatById: 'process',
    respondQueryTaskCompleted: 'process',
    resetStickyTaskList: 'process',
  },
  domain: {
    registerDomain: 'admin',
    describeDomain: 'read',
    listDomains: 'known',
    updateDomain: 'admin',
    failoverDomain: 'write',
    deprecateDomain: 'admin',
    deleteDomain: 'admin',
    listFailoverHistory: 'read',
  },
  visibility: {
    listWorkflowExecutions: 'read',
    listOpenWorkflowExecutions: 'read',
    listClosedWorkflowExecutions: 'read',
    listArchivedWorkflowExecutions: 'read',
    scanWorkflowExecutions: 'read',
    countWorkflowExecutions: 'read',
    getSearchAttributes: 'known',
  },
  meta: { health: 'open' },
  schedule: {
    createSchedule: 'write',
    describeSchedule: 'read',
    listSchedules: 'read',
    deleteSchedule: 'write',
    pauseSchedule: 'write',
    unpauseSchedule: 'write',
    backfillSchedule: 'write',
    updateSchedule: 'write',
  },
  admin: {
    describeWorkflowExecution: 'admin',
    describeHistoryHost: 'admin',
    describeShardDistribution: 'admin',
    closeShard: 'admin',
    removeTask: 'admin',
    resetQueue: 'admin',
    describeQueue: 'admin',
    getWorkflowExecutionRawHistoryV2: 'admin',
    getReplicationMessages: 'admin',
    getDlqReplicationMessages: 'admin',
    getDomainReplicationMessages: 'admin',
    reapplyEvents: 'admin',
    addSearchAttribute: 'admin',
    describeCluster: 'admin',
    countDlqMessages: 'admin',
    readDlqMessages: 'admin',
    purgeDlqMessages: 'admin',
    mergeDlqMessages: 'admin',
    refreshWorkflowTasks: 'admin',
    resendReplicationTasks: 'admin',
    getCrossClusterTasks: 'admin',
    respondCrossClusterTasksCompleted: 'admin',
    getDynamicConfig: 'admin',
    updateDynamicConfig: 'admin',
    restoreDynamicConfig: 'admin',
    listDynamicConfig: 'admin',
    getOperationalDynamicConfig: 'admin',
    updateOperationalDynamicConfig: 'admin',
    restoreOperationalDynamicConfig: 'admin',
    listOperationalDynamicConfig: 'admin',
    deleteWorkflow: 'admin',
    maintainCorruptWorkflow: 'admin',
    getGlobalIsolationGroups: 'admin',
    updateGlobalIsolationGroups: 'admin',
    getDomainIsolationGroups: 'admin',
    updateDomainIsolationGroups: 'admin',
    getDomainAsyncWorkflowConfiguraton: 'admin',
    updateDomainAsyncWorkflowConfiguraton: 'admin',
    updateTaskListPartitionConfig: 'admin',
  },
  audit: { listAuditRecords: 'admin' },
  index: { reindexShard: 'admin' },
  hosts: { listHosts: 'admin', moveShard: 'admin' },
};

/** @throws for an RPC without a row: it cannot be served. */
export function permissionOf(service: ServiceName, method: string): Permission {
  const rows: Readonly<Record<string, Permission>> = PERMISSIONS[service];
  const permission = Object.hasOwn(rows, method) ? rows[method] : undefined;
  if (permission === undefined) throw new Error(`${service}.${method} has no row in the permission table`);
  return permission;
}
