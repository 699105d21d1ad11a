// Which calls are kept in the audit: those that change domains or the cluster. Every RPC of these services has its line, so that a new one is
// decided on. Plumbing between regions (acknowledgements, reapplied events) changes nothing of its own and is left out.
import type { SERVICE_DEFINITIONS, ServiceName } from '#rpc';

type Table = {
  readonly [K in 'domain' | 'admin' | 'hosts']: { readonly [M in keyof (typeof SERVICE_DEFINITIONS)[K]]: boolean };
};

const AUDITED: Table = {
  hosts: { listHosts: false, moveShard: true },
  domain: {
    registerDomain: true,
    updateDomain: true,
    failoverDomain: true,
    deprecateDomain: true,
    deleteDomain: true,
    describeDomain: false,
    listDomains: false,
    listFailoverHistory: false,
  },
  admin: {
    closeShard: true,
    removeTask: true,
    resetQueue: true,
    addSearchAttribute: true,
    purgeDlqMessages: true,
    mergeDlqMessages: true,
    refreshWorkflowTasks: true,
    resendReplicationTasks: true,
    updateDynamicConfig: true,
    restoreDynamicConfig: true,
    updateOperationalDynamicConfig: true,
    restoreOperationalDynamicConfig: true,
    deleteWorkflow: true,
    maintainCorruptWorkflow: true,
    updateGlobalIsolationGroups: true,
    updateDomainIsolationGroups: true,
    updateDomainAsyncWorkflowConfiguraton: true,
    updateTaskListPartitionConfig: true,
    describeWorkflowExecution: false,
    describeHistoryHost: false,
    describeShardDistribution: false,
    describeQueue: false,
    getWorkflowExecutionRawHistoryV2: false,
    getReplicationMessages: false,
    getDlqReplicationMessages: false,
    getDomainReplicationMessages: false,
    reapplyEvents: false,
    describeCluster: false,
    countDlqMessages: false,
    readDlqMessages: false,
    getCrossClusterTasks: false,
    respondCrossClusterTasksCompleted: false,
    getDynamicConfig: false,
    listDynamicConfig: false,
    getOperationalDynamicConfig: false,
    listOperationalDynamicConfig: false,
    getGlobalIsolationGroups: false,
    getDomainIsolationGroups: false,
    getDomainAsyncWorkflowConfiguraton: false,
  },
};

export function isAudited(service: ServiceName, method: string): boolean {
  const rows: Readonly<Record<string, boolean>> = Object.hasOwn(AUDITED, service)
    ? AUDITED[service as keyof Table]
    : {};
  return Object.hasOwn(rows, method) && rows[method] === true;
}

/** Name of the domain that a request is about, whichever field says it; empty: none. */
export function domainNameIn(request: unknown, service: ServiceName): string {
  const { domain, domainName, name } = request as Readonly<Record<string, unknown>>;
  const found = domain ?? domainName ?? (service === 'domain' ? name : '');
  return typeof found === 'string' ? found : '';
}
