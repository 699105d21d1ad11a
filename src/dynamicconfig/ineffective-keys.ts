// Cadence's other keys (of 1.4.0): known, so that a file of a Cadence cluster can be taken over as it is, but without effect here, because what
// they tune does not exist in Antiphon or tunes itself. Setting one logs a warning, once. A key that gets an effect moves to `keys/`.
import type { ValueKind } from './key.ts';

const NAMES: Readonly<Record<ValueKind, string>> = {
  int: `
    frontend: esIndexMaxResultWindow esVisibilityListMaxQPS failoverHistoryMaxSize persistenceGlobalMaxQPS
      persistenceMaxQPS throttledLogRPS visibilityArchivalQueryMaxPageSize visibilityArchivalQueryMaxQPS
      visibilityArchivalQueryMaxRangeInDays
    history: ReplicationTaskFetcherParallelism ReplicationTaskProcessorErrorRetryMaxAttempts acquireShardConcurrency
      archiveInlineHistoryGlobalRPS archiveInlineHistoryRPS archiveInlineVisibilityGlobalRPS
      archiveInlineVisibilityRPS archiveRequestRPS cacheInitialSize cacheMaxSize decisionRetryCriticalAttempts
      eventsCacheGlobalInitialSize eventsCacheGlobalMaxSize eventsCacheInitialSize eventsCacheMaxSize
      eventsCacheMaxSizeInBytes executionCacheMaxByteSize historyMaxAutoResetPoints historyNodeDeleteBatchSize
      historyVisibilityClosedMaxQPS historyVisibilityOpenMaxQPS maxActivityCountDispatchByDomain
      mutableStateChecksumGenProbability mutableStateChecksumVerifyProbability
      normalDecisionScheduleToStartMaxAttempts numArchiveSystemWorkflows numParentClosePolicySystemWorkflows
      parentClosePolicyBatchSize parentClosePolicyThreshold persistenceGlobalMaxQPS persistenceMaxQPS
      queueCriticalPendingTaskCount queueMaxPendingTaskCount queueMaxVirtualQueueCount queueProcessorSplitMaxLevel
      replicationBudgetManagerMaxSizeBytes replicationBudgetManagerMaxSizeCount replicatorCacheCapacity
      replicatorCacheMaxSize replicatorMaxTaskBatchSize replicatorMinTaskBatchSize replicatorReadTaskMaxRetryCount
      replicatorTaskBatchSize replicatorTaskBatchStepCount replicatorTaskDeleteBatchSize rps taskCriticalRetryCount
      taskProcessRPS taskSchedulerDispatcherCount taskSchedulerGlobalDomainRPS taskSchedulerMigrationRatio
      taskSchedulerQueueSize taskSchedulerType taskSchedulerWorkerCount throttledLogRPS
      timerProcessorCompleteTimerFailureRetryCount timerProcessorFailoverMaxPollRPS timerProcessorGetFailureRetryCount
      timerProcessorHistoryArchivalSizeLimit timerProcessorMaxPollRPS timerProcessorMaxRedispatchQueueSize
      timerTaskBatchSize timerTaskDeleteBatchSize transferProcessorCompleteTransferFailureRetryCount
      transferProcessorFailoverMaxPollRPS transferProcessorMaxPollRPS transferProcessorMaxRedispatchQueueSize
      transferTaskBatchSize transferTaskDeleteBatchSize
    limit: blobSize.warn historyCount.warn historySize.warn maxIDWarnLength pendingActivityCount.warn
    matching: domainrps domainworkerrps forwarderMaxChildrenPerNode forwarderMaxOutstandingPolls
      forwarderMaxOutstandingTasks forwarderMaxRatePerSecond getTasksBatchSize isolationGroupsPerPartition
      maxTaskBatchSize maxTaskDeleteBatchSize minTaskThrottlingBurstSize
      outstandingTaskAppendsThreshold partitionUpscaleRPS persistenceGlobalMaxQPS
      persistenceMaxQPS readRangeSize rps throttledLogRPS workerrps
    system: deleteHistoryEventContextTimeout isolationGroupStateUpdateRetryAttempts
      largeShardHistoryBlobMetricThreshold largeShardHistoryEventMetricThreshold largeShardHistorySizeMetricThreshold
      sampleLoggingRate transactionSizeLimit workflowDeletionJitterRange
    worker: ArchivalsPerIteration ArchiverConcurrency ESAnalyzerMaxNumDomains ESAnalyzerMaxNumWorkflowTypes
      ESAnalyzerMinNumWorkflowsForAvg ESAnalyzerNumWorkflowsToRefresh ESProcessorBulkActions ESProcessorBulkSize
      ESProcessorNumOfWorkers currentExecutionsActivityBatchSize currentExecutionsBlobstoreFlushThreshold
      currentExecutionsConcurrency currentExecutionsPersistencePageSize executionsScannerActivityBatchSize
      executionsScannerBlobstoreFlushThreshold executionsScannerConcurrency executionsScannerPersistencePageSize
      indexerConcurrency persistenceGlobalMaxQPS persistenceMaxQPS scannerBatchSizeForTasklistHandler
      scannerGetOrphanTasksPageSize scannerMaxTasksProcessedPerTasklistJob scannerPersistenceMaxQPS throttledLogRPS
      timersScannerActivityBatchSize timersScannerBlobstoreFlushThreshold timersScannerConcurrency
      timersScannerPeriodEnd timersScannerPeriodStart timersScannerPersistencePageSize
  `,
  bool: `
    frontend: emitSignalNameMetricsTag enableActiveClusterSelectionPolicyInStartWorkflow
      enableQueryAttributeValidation sendRawWorkflowHistory
    history: DropStuckTaskByDomain disableTimerFailoverQueue disableTransferFailoverQueue emitShardDiffLog
      enableActivityLocalDispatchByDomain enableAdminProtection enableCleanupOrphanedHistoryBranchOnWorkflowCreation
      enableContextHeaderInVisibility enableCrossClusterOperations enableHistoryCorruptionCheck
      enableMutableStateChecksumFailureRetry enableNoSQLHistoryTaskDualWrite
      enableRecordWorkflowExecutionUninitialized enableReplicationTaskGeneration enableSizeBasedHistoryEventCache
      enableSizeBasedHistoryExecutionCache enableStrongIdempotency enableStrongIdempotencySanityCheck
      enableTaskInfoLogByDomainID enableTimerDebugLogByDomainID enableTimerQueueV2
      enableTimerQueueV2PendingTaskCountAlert enableTransferQueueV2 enableTransferQueueV2PendingTaskCountAlert
      enforceDecisionTaskAttempts eventsCacheGlobalEnable queueProcessorEnableGracefulSyncShutdown
      queueProcessorEnableLoadQueueStates queueProcessorEnablePendingTaskSplitByDomainID
      queueProcessorEnablePersistQueueStates queueProcessorEnableRandomSplitByDomainID queueProcessorEnableSplit
      queueProcessorEnableStuckTaskSplitByDomainID readNoSQLHistoryTaskFromDataBlob readNoSQLShardFromDataBlob
      taskSchedulerEnableMigration taskSchedulerEnableRateLimiter taskSchedulerEnableRateLimiterShadowMode
      transferProcessorEnableValidator useNewInitialFailoverVersion
    matching: enableAdaptiveScaler enableClientAutoConfig enableGetNumberOfPartitionsFromCache
      enablePartitionEmptyCheck enablePartitionIsolationGroupAssignment enableStandbyTaskCompletion enableSyncMatch
      enableTaskInfoLogByDomainID enableTasklistGuardAgainstOwnershipLoss matchingReturnAllTaskListKinds
    system: enableAuthorization enableCassandraAllConsistencyLevelDelete enableConnectionRetainingDirectChooser
      enableDebugMode enableDomainAuditLogging enableESAnalyzer enableFailoverManager enableGRPCOutbound
      enableGracefulFailover enableLogCustomerQueryParameter enableParentClosePolicyWorker
      enableReadFromClosedExecutionV2 enableSQLAsyncTransaction enableServiceAuthorization
      enableServiceAuthorizationLogOnly enableShardIDMetrics enableStickyQuery
      enableVisibilitySampling
    worker: AllowArchivingIncompleteHistory ESAnalyzerEnableAvgDurationBasedChecks ESAnalyzerPause
      EnableArchivalCompression concreteExecutionFixerDomainAllow concreteExecutionFixerEnabled
      currentExecutionFixerDomainAllow currentExecutionFixerEnabled currentExecutionsInvariantCollectionMutableState
      currentExecutionsScannerEnabled currentExecutionsScannerInvariantCollectionHistory
      enableAsyncWorkflowConsumption enableBatcher enableScheduler enableCleaningOrphanTaskInTasklistScavenger
      executionsFixerInvariantCollectionHistory executionsFixerInvariantCollectionMutableState
      executionsFixerInvariantCollectionStale executionsScannerEnabled executionsScannerInvariantCollectionHistory
      executionsScannerInvariantCollectionMutableState executionsScannerInvariantCollectionStale historyScannerEnabled
      taskListScannerEnabled timersFixerDomainAllow timersFixerEnabled timersScannerEnabled
  `,
  float: `
    admin: errorInjectionRate
    frontend: domainFailoverRefreshTimerJitterCoefficient errorInjectionRate
    history: NotifyFailoverMarkerTimerJitterCoefficient ReplicationTaskFetcherTimerJitterCoefficient
      ReplicationTaskGenerationQPS ReplicationTaskProcessorCleanupJitterCoefficient ReplicationTaskProcessorHostQPS
      ReplicationTaskProcessorShardQPS ReplicationTaskProcessorStartWaitJitterCoefficient errorInjectionRate
      globalRatelimiterNewDataWeight mutableStateChecksumInvalidateBefore
      queueProcessorPollBackoffIntervalJitterCoefficient queueProcessorRandomSplitProbability
      replicationBudgetManagerSoftCapThreshold timerProcessorMaxPollIntervalJitterCoefficient
      timerProcessorSplitQueueIntervalJitterCoefficient timerProcessorUpdateAckIntervalJitterCoefficient
      transferProcessorMaxPollIntervalJitterCoefficient transferProcessorSplitQueueIntervalJitterCoefficient
      transferProcessorUpdateAckIntervalJitterCoefficient
    matching: errorInjectionRate partitionDownscaleFactor
    shardDistributor: loadBalancingNaive.maxDeviation
    sharddistributor: errorInjectionRate
    sharddistributorexecutor: errorInjectionRate
    system: persistenceErrorInjectionRate
    worker: BlobIntegrityCheckProbability DeterministicConstructionCheckProbability
  `,
  string: `
    frontend: globalRatelimiterMode
    history: adminOperationToken defaultEventEncoding serializationEncoding
    matching: shardDistributionMode
    shardDistributor: loadBalancingMode migrationMode
    system: enableAdminAuthorization enableAuthorizationV2 readVisibilityStoreName tasklistLoadBalancerStrategy
      writeVisibilityStoreName
    worker: ESAnalyzerLimitToDomains ESAnalyzerLimitToTypes ESAnalyzerWorkflowDurationWarnThresholds
      ESAnalyzerWorkflowTypeMetricDomains ESAnalyzerWorkflowVersionMetricDomains
  `,
  duration: `
    frontend: domainFailoverRefreshInterval globalRatelimiterUpdateInterval shutdownDrainDuration warmupDuration
    history: NotifyFailoverMarkerInterval ReplicationTaskFetcherAggregationInterval
      ReplicationTaskFetcherErrorRetryWait ReplicationTaskFetcherServiceBusyWait
      ReplicationTaskProcessorCleanupInterval ReplicationTaskProcessorErrorRetryWait
      ReplicationTaskProcessorErrorSecondRetryExpiration ReplicationTaskProcessorErrorSecondRetryMaxWait
      ReplicationTaskProcessorErrorSecondRetryWait ReplicationTaskProcessorLatencyLogThreshold
      ReplicationTaskProcessorNoTaskInitialWait ReplicationTaskProcessorStartWait acquireShardInterval
      activeTaskRedispatchInterval activityMaxScheduleToStartTimeoutForRetry cacheTTL eventsCacheTTL
      globalRatelimiterDecayAfter globalRatelimiterGCAfter normalDecisionScheduleToStartTimeout
      queueProcessorPollBackoffInterval queueProcessorSplitLookAheadDurationByDomainID replicatorUpperLatency
      resurrectionCheckMinDelay shardSyncMinInterval shardUpdateMinInterval shutdownDrainDuration standbyClusterDelay
      standbyTaskMissingEventsDiscardDelay standbyTaskMissingEventsResendDelay standbyTaskReReplicationContextTimeout
      standbyTaskRedispatchInterval timerProcessorArchivalTimeLimit timerProcessorCompleteTimerInterval
      timerProcessorFailoverMaxStartJitterInterval timerProcessorMaxPollInterval timerProcessorMaxTimeShift
      timerProcessorSplitQueueInterval timerProcessorUpdateAckInterval transferProcessorCompleteTransferInterval
      transferProcessorFailoverMaxStartJitterInterval transferProcessorMaxPollInterval
      transferProcessorSplitQueueInterval transferProcessorUpdateAckInterval transferProcessorValidationInterval
      transferProcessorVisibilityArchivalTimeLimit virtualSliceForceAppendInterval
    matching: activityTaskSyncMatchWaitTime adaptiveScalerUpdateInterval asyncTaskDispatchTimeout
      idleTasklistCheckInterval isolationGroupDownscaleSustainedDuration isolationGroupHasPollersSustainedDuration
      isolationGroupNoPollersSustainedDuration isolationGroupUpscaleSustainedDuration localPollWaitTime
      localTaskWaitTime maxTasklistIdleTime partitionDownscaleSustainedDuration partitionUpscaleSustainedDuration
      qpsTrackerInterval shutdownDrainDuration updateAckInterval
    system: IsolationGroupStateFetchTimeout IsolationGroupStateUpdateTimeout domainAuditLogTTL
      isolationGroupStateRefreshInterval
    worker: ESAnalyzerBufferWaitTime ESAnalyzerTimeWindow ESProcessorFlushInterval TimeLimitPerArchivalIteration
      replicationTaskMaxRetryDuration
  `,
  map: `
    frontend: pinotOptimizedQueryColumns searchAttributesHiddenValueKeys validSearchAttributes
    history: queueProcessorPendingTaskSplitThreshold queueProcessorStuckTaskSplitThreshold
      taskSchedulerDomainRoundRobinWeight taskSchedulerRoundRobinWeight
  `,
  list: `
    admin: HeaderForwardingRules
    system: defaultIsolationGroupConfigStoreManagerGlobalMapping
  `,
};

function parse(): ReadonlyMap<string, ValueKind> {
  const found = new Map<string, ValueKind>();
  for (const [kind, text] of Object.entries(NAMES)) {
    let group = '';
    for (const word of text.split(/\s+/)) {
      if (word.endsWith(':')) group = word.slice(0, -1);
      else if (word !== '') found.set(`${group}.${word}`, kind as ValueKind); // Keys of the record.
    }
  }
  return found;
}

/** Name → type. */
export const INEFFECTIVE_KEYS: ReadonlyMap<string, ValueKind> = parse();
