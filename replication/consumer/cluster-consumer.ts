// Consumes everything that one remote cluster publishes: each partition of its history topic, and its domain topic. Starts when the remote
// cluster first answers, and goes on through its absences.
import { type Env, sleep } from '#env';
import { DOMAIN_TOPIC, HISTORY_TOPIC, type LogSource } from '#log';
import type { LogStore } from '#persistence';
import type { DeadLetters } from '../dlq/index.ts';
import { MarkerCount } from './marker-count.ts';
import { PartitionConsumer, type PartitionDeps, type PartitionStatus } from './partition-consumer.ts';
import { SourceOutage } from './source-outage.ts';
import type { TaskApplier } from './task-applier.ts';

export interface ConsumerOptions {
  readonly batchSize?: number;
  readonly waitMs?: number;
  /** Workflows of one partition applied at the same time. */
  readonly concurrency?: number;
  /** Messages of one partition fetched beyond the oldest that is not applied. */
  readonly windowSize?: number;
}

export interface ClusterConsumer {
  readonly sourceCluster: string;
  start(): void;
  stop(): Promise<void>;
  status(): readonly PartitionStatus[];
}

const RETRY_MS = 1_000;

export function createClusterConsumer(
  deps: {
    env: Env;
    source: LogSource;
    offsets: LogStore;
    applier: TaskApplier;
    deadLetters: DeadLetters;
    /** The source has written nothing more of the domain, and all that it wrote is applied. */
    onDrained?: (domainId: string, failoverVersion: number) => Promise<void>;
  },
  options: ConsumerOptions = {},
): ClusterConsumer {
  const { env, source } = deps;
  const { batchSize = 200, waitMs = 1_500, concurrency = 32, windowSize = 2_000 } = options;
  const outage = new SourceOutage(env, source.sourceCluster);
  const stopping = new AbortController();
  const consumers: PartitionConsumer[] = [];
  let opening: Promise<void> | undefined;

  const markers = new MarkerCount();
  let partitionCount = 0;

  const onMarker: PartitionDeps['onMarker'] = (marker, partition) => {
    if (!markers.pass(marker, partition, partitionCount)) return;
    const { domainId } = marker;
    deps.onDrained?.(domainId, Number(marker.failoverVersion)).catch((error: unknown) => {
      // Its time-out ends it.
      env.logger.warn('a graceful failover was not completed', { 'wf-domain-id': domainId, error });
    });
  };

  const add = (topic: string, partition: number): void => {
    const consumer = new PartitionConsumer(
      { ...deps, outage, onMarker },
      { topic, partition, batchSize, waitMs, concurrency, windowSize },
    );
    consumers.push(consumer);
    consumer.start();
  };

  const open = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const partitions = await source.partitionCount(HISTORY_TOPIC);
        if (stopping.signal.aborted) return;
        outage.answered('partitions');
        partitionCount = partitions;
        for (let partition = 0; partition < partitions; partition++) add(HISTORY_TOPIC, partition);
        return;
      } catch (error) {
        if (!stopping.signal.aborted) outage.failed('partitions', error);
        await sleep(env.scheduler, RETRY_MS * (0.8 + 0.4 * env.random.next()), stopping.signal);
      }
    }
  };

  return {
    sourceCluster: source.sourceCluster,
    start() {
      if (opening !== undefined) return;
      add(DOMAIN_TOPIC, 0);
      opening = open();
    },
    async stop() {
      stopping.abort();
      await Promise.all([opening, ...consumers.map((consumer) => consumer.stop())]);
    },
    status: () => consumers.map((consumer) => consumer.status()),
  };
}
