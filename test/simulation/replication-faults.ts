// What happens to replication messages on their way: pages that bring old messages again, and messages out of order.
import type { GetReplicationMessagesResponse, ReplicationTask } from '@antiphon/proto/admin';
import type { Chance } from './chance.ts';
import type { Coverage } from './coverage.ts';
import type { Rates } from './profile.ts';

const KEPT = 20;

export function disturbReplication(
  chance: Chance,
  coverage: Coverage,
  rates: () => Rates,
): (path: string, reply: unknown) => unknown {
  const seen = new Map<number, ReplicationTask[]>();
  const disturbed = (partition: number, tasks: readonly ReplicationTask[]): ReplicationTask[] => {
    const old = seen.get(partition) ?? [];
    seen.set(partition, [...old, ...tasks].slice(-KEPT));
    const changed = [...tasks];
    if (changed.length > 2 && chance.is(rates().replicationReordered)) {
      // The last one stays last: its offset is what the reader goes on from.
      const at = chance.whole(0, changed.length - 3);
      const [first, second] = [changed[at]!, changed[at + 1]!];
      changed[at] = second;
      changed[at + 1] = first;
      coverage.fault('replication-reordered');
    }
    if (old.length > 0 && changed.length > 0 && chance.is(rates().replicationDuplicated)) {
      changed.unshift(...Array.from({ length: chance.whole(1, 3) }, () => chance.pick(old)));
      coverage.fault('replication-duplicated');
    }
    return changed;
  };
  return (path, reply) => {
    if (!path.endsWith('/GetReplicationMessages')) return reply;
    const response = reply as GetReplicationMessagesResponse;
    const shardMessages = Object.fromEntries(
      Object.entries(response.shardMessages).map(([partition, messages]) => [
        partition,
        { ...messages, replicationTasks: disturbed(Number(partition), messages.replicationTasks) },
      ]),
    );
    return { ...response, shardMessages };
  };
}
