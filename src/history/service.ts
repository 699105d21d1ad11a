// The history service: shards that own workflows, and the calls on them. In one process the other services call these methods directly.
import { featureNotEnabled } from '#base';
import { createWorkflowIdQuotas } from '#quotas';
import type { NdcHost } from '#replication';
import type { HistoryAdmin, HistoryClient } from '#rpc';
import { createAdminApi } from './admin-api.ts';
import { hasOutsideWork } from './close-executor.ts';
import { createHistoryContext, type HistoryContext } from './context.ts';
import { DEFAULT_HISTORY_OPTIONS, type HistoryDeps, type HistoryOptions } from './deps.ts';
import { createHistoryApi } from './history-api.ts';
import { createHistoryMetrics } from './metrics.ts';
import { createNdcHost } from './ndc-host.ts';
import { createOperatorApi } from './operator-api.ts';
import { createQueryApi } from './query-api.ts';
import { createReloadGuard } from './reload-guard.ts';
import { createResetApi } from './reset-api.ts';
import type { ShardExecutors } from './shard-actor.ts';
import { type ShardListener, type ShardStatus, Shards } from './shards.ts';
import { startStandbyRecheck } from './standby-recheck.ts';
import { createStartApi } from './start-api.ts';
import { isTransferStale } from './task-staleness.ts';
import { createTimerExecutor, isTimerStale } from './timer-executor.ts';
import { createTransferExecutor } from './transfer-executor.ts';
import { createVisibilityWriter } from './visibility-writer.ts';
import { createWorkerApi } from './worker-api.ts';
import { createWorkflowApi } from './workflow-api.ts';
import { limitedByWorkflowId } from './workflow-id-limits.ts';

export interface HistoryService extends HistoryClient, NdcHost {
  /** Reads the shard map and begins to acquire the shards; calls wait for theirs. */
  start(): Promise<void>;
  /** Makes what was accepted durable and lets go of the shards. */
  stop(): Promise<void>;
  /** Called with the replication queue of each shard that opens; what it returns is called when the shard closes. */
  onShard(listener: ShardListener): () => void;
  shardOf(workflowId: string): number;
  /**
   * Lets go of those of the shards that are here, all they accepted durable; `hostId` will own them. Resolves with those that nobody answers reads
   * of any more.
   */
  releaseShards(shardIds: readonly number[], hostId: string): Promise<readonly number[]>;
  readonly operator: HistoryAdmin;
  /** For admin and metrics. */
  shardStatus(): readonly ShardStatus[];
}

export function createHistoryService(deps: HistoryDeps, options: Partial<HistoryOptions> = {}): HistoryService {
  const settings: HistoryOptions = { ...DEFAULT_HISTORY_OPTIONS, ...options };
  // The executors need the context, which needs the shards, which need the executors: they meet through these two.
  const executors: ShardExecutors = {
    executeTransfer: (actor, task) => executeTransfer(actor, task),
    executeTimer: (actor, task) => executeTimer(actor, task),
    onOpen: (actor) => startStandbyRecheck(context, actor),
    isReloadWorthwhile: createReloadGuard(deps.env.clock),
    isReleased: (actor, held, state) =>
      held.queue === 'timer'
        ? isTimerStale(context, actor, state, held.task)
        : isTransferStale(state, held.task) || (held.task.work?.$case === 'closeExecution' && !hasOutsideWork(state)),
  };
  const shards = new Shards(deps, settings, executors, createHistoryMetrics(deps.env.metrics));
  const context: HistoryContext = createHistoryContext(deps, settings, shards, deps.client ?? (() => service));
  const visibility = createVisibilityWriter(deps.env, deps.visibility, {
    busyCollectMs: settings.visibilityBusyCollectMs,
  });
  const executeTransfer = createTransferExecutor(context, visibility);
  const executeTimer = createTimerExecutor(context);
  const ndc = createNdcHost(context);

  const unlimited = { ...createStartApi(context), ...createWorkflowApi(context), ...createAdminApi(context) };
  const service: HistoryService = {
    ...unlimited,
    ...createWorkerApi(context),
    ...createHistoryApi(context),
    ...createQueryApi(context),
    ...createResetApi(context),
    ...limitedByWorkflowId(deps, createWorkflowIdQuotas(deps.env, context.config), unlimited),
    operator: createOperatorApi(context),
    withWorkflow: ndc.withWorkflow,
    async replicateEvents(request) {
      if (deps.replicate === undefined) throw featureNotEnabled('replication');
      await deps.replicate.replicateEvents(ndc, request);
    },
    async syncActivity(request) {
      if (deps.replicate === undefined) throw featureNotEnabled('replication');
      await deps.replicate.syncActivity(ndc, request);
    },
    start: () => shards.start(),
    stop: () => shards.stop(),
    onShard: (listener) => shards.onShard(listener),
    shardOf: (workflowId) => shards.shardOf(workflowId),
    releaseShards: (shardIds, hostId) => shards.release(shardIds, hostId),
    shardStatus: () => shards.status(),
  };
  return service;
}
