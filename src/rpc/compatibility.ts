// What of Cadence's API is served, how it differs, and the test that would notice its loss: one row for every RPC, so that a new one fails to
// compile until it has its row. `npm run docs` makes docs/reference/compatibility.md of it; a test checks that each named test exists.
import type { SERVICE_DEFINITIONS, ServiceName } from './service-handlers.ts';

export interface Compatibility {
  /** `refused`: answered with a precise error, for the reason in `differs`. */
  readonly status: 'served' | 'refused';
  /** Empty: as Cadence. */
  readonly differs: string;
  /** File below test/, without its ending; or `diff`: a scenario whose answers of the reference server are recorded. */
  readonly file: string;
  readonly test: string;
}

type Table = {
  readonly [K in ServiceName]: { readonly [M in keyof (typeof SERVICE_DEFINITIONS)[K]]: Compatibility };
};

const served = (file: string, test: string, differs = ''): Compatibility => ({ status: 'served', differs, file, test });
const refused = (file: string, test: string, differs: string): Compatibility => ({
  status: 'refused',
  differs,
  file,
  test,
});

export const COMPATIBILITY: Table = {
  workflow: {
    restartWorkflowExecution: served(
      'integration/frontend/whole-region',
      'answers a query through a worker, and restarts a closed run',
    ),
    startWorkflowExecution: served(
      'integration/frontend/whole-region',
      'runs a workflow with an activity and a signal to its end',
    ),
    startWorkflowExecutionAsync: served(
      'integration/async/async-requests',
      'start a workflow once, however often one request is sent',
      "The queue is the region's own store; queue type `kafka` is refused when it is configured.",
    ),
    signalWorkflowExecution: served(
      'integration/frontend/whole-region',
      'runs a workflow with an activity and a signal to its end',
    ),
    signalWithStartWorkflowExecution: served(
      'integration/matching/task-lists',
      'keys take turns, by message header and by signal-with-start too',
    ),
    signalWithStartWorkflowExecutionAsync: served(
      'integration/async/async-requests',
      'signal the workflow that they start, in their order',
      'As StartWorkflowExecutionAsync; requests of one workflow id keep their order, and each counts once.',
    ),
    resetWorkflowExecution: served('compat/cadence-web/workflow-pages', 'reset goes back to a decision'),
    requestCancelWorkflowExecution: served('compat/cadence-web/workflow-pages', 'cancel asks the workflow to end'),
    terminateWorkflowExecution: served('diff', 'terminate/a run'),
    refreshWorkflowTasks: served('diff', 'refresh-tasks/of a running workflow'),
    describeWorkflowExecution: served('diff', 'describe/a decision that runs'),
    queryWorkflow: served(
      'integration/frontend/whole-region',
      'answers a query through a worker, and restarts a closed run',
    ),
    describeTaskList: served(
      'integration/frontend/frontend',
      'describes domains, the cluster, task lists and search attributes',
    ),
    getTaskListsByDomain: served('compat/cadence-web/list-pages', 'name those of the domain'),
    listTaskListPartitions: served(
      'integration/frontend/frontend',
      'describes domains, the cluster, task lists and search attributes',
    ),
    getWorkflowExecutionHistory: served(
      'integration/frontend/whole-region',
      'reads a long history page by page with its own tokens',
      'Never raw history: it would be in Thrift.',
    ),
    diagnoseWorkflowExecution: served(
      'integration/async/diagnose',
      'names failed activities, used-up retries and whose failure it was',
      'The report has more groups: what fails or waits now, and a history that grows too large.',
    ),
    getClusterInfo: served(
      'integration/frontend/frontend',
      'describes domains, the cluster, task lists and search attributes',
    ),
  },
  worker: {
    pollForDecisionTask: served(
      'integration/frontend/whole-region',
      'runs a workflow with an activity and a signal to its end',
    ),
    respondDecisionTaskCompleted: served(
      'integration/frontend/frontend',
      'a new decision comes back with its history, and local activities with tokens',
    ),
    respondDecisionTaskFailed: served('diff', 'decision/fails with every cause a worker may give'),
    pollForActivityTask: served(
      'integration/frontend/whole-region',
      'runs a workflow with an activity and a signal to its end',
    ),
    respondActivityTaskCompleted: served(
      'integration/frontend/whole-region',
      'runs a workflow with an activity and a signal to its end',
    ),
    respondActivityTaskCompletedById: served(
      'diff',
      'activity-by-id/completes',
      'PROCESS of the domain is required, where calls are authenticated.',
    ),
    respondActivityTaskFailed: served(
      'integration/async/diagnose',
      'of a run that retries says which activity fails and why',
    ),
    respondActivityTaskFailedById: served('diff', 'activity-by-id/fails', 'As RespondActivityTaskCompletedByID.'),
    respondActivityTaskCanceled: served('diff', 'activity-cancel/the worker agrees'),
    respondActivityTaskCanceledById: served(
      'diff',
      'activity-by-id/is canceled unasked',
      'As RespondActivityTaskCompletedByID.',
    ),
    recordActivityTaskHeartbeat: served('diff', 'activity/lives by heartbeats'),
    recordActivityTaskHeartbeatById: served(
      'diff',
      'activity-by-id/heartbeats',
      'As RespondActivityTaskCompletedByID.',
    ),
    respondQueryTaskCompleted: served(
      'integration/frontend/whole-region',
      'answers a query through a worker, and restarts a closed run',
    ),
    resetStickyTaskList: served('diff', 'sticky/are reset'),
  },
  domain: {
    registerDomain: served('integration/domains/domains', 'is registered once, by a good name'),
    describeDomain: served(
      'integration/frontend/frontend',
      'describes domains, the cluster, task lists and search attributes',
    ),
    listDomains: served(
      'compat/cadence-web/domain-pages',
      'the list of domains goes on by page',
      'Shows only what the caller may read, where calls are authenticated.',
    ),
    updateDomain: served('integration/domains/domains', 'changes in what the mask names, and nothing else'),
    failoverDomain: served(
      'integration/active-active/active-active',
      'moves only the runs of the attribute that fails over, and they complete in their new region',
      'An attribute that is where it is to go is no error, so that the call can be repeated.',
    ),
    deprecateDomain: served(
      'integration/domains/domains',
      'is deleted when it is deprecated and empty, and its name is free',
    ),
    deleteDomain: served(
      'integration/domains/domains',
      'is deleted when it is deprecated and empty, and its name is free',
    ),
    listFailoverHistory: served(
      'integration/domains/domains',
      'fails over and keeps the history of it',
      'Always on; the last five failovers.',
    ),
  },
  visibility: {
    listWorkflowExecutions: served(
      'integration/visibility/search-attributes',
      'are paged the same by list and scan, and counted',
      'Queries work on the embedded store too; errors point at the fault.',
    ),
    listOpenWorkflowExecutions: served(
      'integration/visibility/search-attributes',
      'by filter know open and closed runs, type, id and status',
    ),
    listClosedWorkflowExecutions: served(
      'integration/visibility/search-attributes',
      'by filter know open and closed runs, type, id and status',
    ),
    listArchivedWorkflowExecutions: served(
      'multiregion/archival',
      'archives before retention deletes, and goes on answering from the archive',
    ),
    scanWorkflowExecutions: served(
      'integration/visibility/search-attributes',
      'are paged the same by list and scan, and counted',
    ),
    countWorkflowExecutions: served(
      'integration/visibility/search-attributes',
      'are paged the same by list and scan, and counted',
    ),
    getSearchAttributes: served(
      'integration/visibility/search-attributes',
      'can be used as soon as it was added, in starts, upserts, queries and its own listing',
    ),
  },
  meta: {
    health: served(
      'integration/frontend/frontend',
      'stopping the frontend answers the polls that wait, and refuses new calls',
    ),
  },
  schedule: {
    createSchedule: served(
      'integration/schedules/schedule-faults',
      'a schedule goes on after a restart by itself, and starts each fire once',
    ),
    describeSchedule: served('integration/schedules/schedules', 'is paused and unpaused, and says by whom and why'),
    listSchedules: served('integration/schedules/schedules', 'is listed with the others, page by page'),
    deleteSchedule: served('integration/schedules/schedules', 'is gone when it is deleted, and its id is free'),
    pauseSchedule: served('integration/schedules/schedules', 'is paused and unpaused, and says by whom and why'),
    unpauseSchedule: served('integration/schedules/schedules', 'is paused and unpaused, and says by whom and why'),
    backfillSchedule: served('integration/schedules/schedules', 'starts the fires of a range, under its own id'),
    updateSchedule: served('integration/schedules/schedules', 'takes on a new spec, action and policies'),
  },
  admin: {
    describeWorkflowExecution: served(
      'integration/admin/runs',
      'is described with its mutable state',
      'The state in the cache is in our own form.',
    ),
    describeHistoryHost: served('integration/admin/shards', 'are described by address, shard or workflow'),
    describeShardDistribution: served('integration/admin/shards', 'and where each shard is, are shown in pages'),
    closeShard: served(
      'integration/admin/shards',
      'are closed and open again with their workflows',
      'A shard that does not exist is refused.',
    ),
    removeTask: served(
      'integration/admin/shards',
      'give up a task that an operator removes: a run without its timeout does not time out',
      'Transfer and timer tasks. A replication task is refused: the log that other regions read has no gaps.',
    ),
    resetQueue: served(
      'integration/admin/shards',
      'read a queue again when it is reset',
      'Resets the shard: both of its queues are read again.',
    ),
    describeQueue: served('integration/admin/shards', 'describe their queues', 'The lines are in our own words.'),
    getWorkflowExecutionRawHistoryV2: served(
      'integration/admin/runs',
      'gives its history as raw batches',
      'Batches are in protobuf, not Thrift.',
    ),
    getReplicationMessages: served(
      'integration/admin/dead-letters',
      'is read only by a cluster that says its name and reads this one',
      'A shard is a partition of the log, a message id an offset. Without tokens it lists the partitions.',
    ),
    getDlqReplicationMessages: refused(
      'integration/admin/dead-letters',
      'are not asked of their source by name',
      'Our dead letters are whole messages, kept where they could not be applied: nothing is left to ask of their source.',
    ),
    getDomainReplicationMessages: served(
      'integration/admin/dead-letters',
      'is read only by a cluster that says its name and reads this one',
      'A message id is an offset of the log.',
    ),
    reapplyEvents: served('integration/admin/runs', 'is given signals of events, each once', 'Events in protobuf.'),
    addSearchAttribute: served(
      'integration/visibility/search-attributes',
      'can be used as soon as it was added, in starts, upserts, queries and its own listing',
      'Holds at once, for the region that is asked.',
    ),
    describeCluster: served(
      'integration/frontend/frontend',
      'describes domains, the cluster, task lists and search attributes',
    ),
    countDlqMessages: served(
      'integration/admin/dead-letters',
      'are counted by source and partition',
      "A shard is a partition of the source's log.",
    ),
    readDlqMessages: served('integration/admin/dead-letters', 'are read in pages, up to an id', 'As CountDLQMessages.'),
    purgeDlqMessages: served('integration/admin/dead-letters', 'are purged up to an id', 'As CountDLQMessages.'),
    mergeDlqMessages: served(
      'multiregion/operators',
      'a dead letter is merged: applied, gaps filled, and gone',
      'As CountDLQMessages; stops at the first that fails, with its error.',
    ),
    refreshWorkflowTasks: served('diff', 'refresh-tasks/by its administrator'),
    resendReplicationTasks: served('multiregion/operators', 'a run is sent again whole'),
    getCrossClusterTasks: refused(
      'integration/admin/runs',
      'are refused as Cadence refuses them since it gave them up',
      'Given up by Cadence too: the same text, as BadRequest.',
    ),
    respondCrossClusterTasksCompleted: refused(
      'integration/admin/runs',
      'are refused as Cadence refuses them since it gave them up',
      'As GetCrossClusterTasks.',
    ),
    getDynamicConfig: served(
      'integration/quotas/dynamic-config',
      'set through the admin API for a domain holds for the next call of that domain, and is gone when restored',
    ),
    updateDynamicConfig: served(
      'integration/quotas/dynamic-config',
      'set through the admin API for a domain holds for the next call of that domain, and is gone when restored',
      'A key that is none, or a value of another type, is refused.',
    ),
    restoreDynamicConfig: served(
      'integration/quotas/dynamic-config',
      'set through the admin API for a domain holds for the next call of that domain, and is gone when restored',
    ),
    listDynamicConfig: served('integration/quotas/dynamic-config', 'lists what is set, with its filters'),
    getOperationalDynamicConfig: served(
      'integration/quotas/dynamic-config',
      'lets the operational RPCs change what is operational, and nothing else',
    ),
    updateOperationalDynamicConfig: served(
      'integration/quotas/dynamic-config',
      'lets the operational RPCs change what is operational, and nothing else',
    ),
    restoreOperationalDynamicConfig: served(
      'integration/quotas/dynamic-config',
      'lets the operational RPCs change what is operational, and nothing else',
    ),
    listOperationalDynamicConfig: served(
      'integration/quotas/dynamic-config',
      'lets the operational RPCs change what is operational, and nothing else',
    ),
    deleteWorkflow: served(
      'integration/admin/runs',
      'is deleted with its history, its records and its place in lists, open or closed',
      'In the region that is asked.',
    ),
    maintainCorruptWorkflow: served(
      'integration/admin/runs',
      'whose state is damaged is found corrupt and goes',
      "Checks the invariants of Cadence's scanner, twice: in memory and read anew from the store.",
    ),
    getGlobalIsolationGroups: served(
      'integration/matching/task-lists',
      'that are drained start and signal nothing, and their workers get nothing until they are served again',
    ),
    updateGlobalIsolationGroups: served(
      'integration/matching/task-lists',
      'that are drained start and signal nothing, and their workers get nothing until they are served again',
    ),
    getDomainIsolationGroups: served('integration/matching/task-lists', 'are drained for one domain alone'),
    updateDomainIsolationGroups: served('integration/matching/task-lists', 'are drained for one domain alone'),
    getDomainAsyncWorkflowConfiguraton: served(
      'integration/async/async-requests',
      'are configured by domain; a queue that cannot be is refused by name',
    ),
    updateDomainAsyncWorkflowConfiguraton: served(
      'integration/async/async-requests',
      'are configured by domain; a queue that cannot be is refused by name',
      'The queue type is empty or `embedded`.',
    ),
    updateTaskListPartitionConfig: served(
      'integration/matching/task-lists',
      'are set by an operator, shown, and give every task; shrinking drains them',
    ),
  },
  audit: {
    listAuditRecords: served(
      'integration/security/audit',
      'is read page by page, with tokens that count for their filter only',
      'Ours: Cadence has no such RPC.',
    ),
  },
  index: {
    reindexShard: served(
      'integration/visibility/reindex',
      'takes over from the store with no run missing and none as it was before',
      'Ours: Cadence has no such RPC.',
    ),
  },
  hosts: {
    listHosts: served(
      'integration/cluster/operators',
      'shows every host with its services and shards',
      'Ours: Cadence has no such RPC.',
    ),
    moveShard: served(
      'integration/cluster/operators',
      'puts a shard where an operator wants it, until it is given back',
      'Ours: Cadence has no such RPC.',
    ),
  },
};
