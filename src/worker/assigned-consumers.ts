// The consumers of remote clusters' logs that are this host's to run: one host of the region consumes a cluster, from where the last one came to.
// A consumer of another host that has not stopped yet applies some messages too, which is harmless, and moves the position only forward.
import type { ClusterConsumer } from '#replication';
import type { JobPlacement } from './job-placement.ts';

export interface ConsumerSource {
  readonly sourceCluster: string;
  open(): ClusterConsumer;
}

export interface AssignedConsumers {
  running(): readonly ClusterConsumer[];
  start(): void;
  stop(): Promise<void>;
}

export function createAssignedConsumers(
  sources: readonly ConsumerSource[],
  placement: JobPlacement | undefined,
): AssignedConsumers {
  const running = new Map<string, ClusterConsumer>();
  const stopping = new Set<Promise<void>>();
  let unsubscribe: (() => void) | undefined;
  const end = (consumer: ClusterConsumer): void => {
    const ended: Promise<void> = consumer.stop().finally(() => stopping.delete(ended));
    stopping.add(ended);
  };
  const sync = (): void => {
    for (const { sourceCluster, open } of sources) {
      const isMine = placement?.isMine(`replication-from/${sourceCluster}`) ?? true;
      const consumer = running.get(sourceCluster);
      if (isMine && consumer === undefined) {
        const opened = open();
        running.set(sourceCluster, opened);
        opened.start();
      } else if (!isMine && consumer !== undefined) {
        running.delete(sourceCluster);
        end(consumer);
      }
    }
  };
  return {
    running: () => [...running.values()],
    start() {
      unsubscribe ??= placement?.onChange(sync) ?? (() => {});
      sync();
    },
    async stop() {
      unsubscribe?.();
      for (const consumer of running.values()) end(consumer);
      running.clear();
      await Promise.all(stopping);
    },
  };
}
