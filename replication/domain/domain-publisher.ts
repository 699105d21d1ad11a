// Domain changes on their way to the other regions. A change is published after it is committed; what this process has not published is found
// by its notification version, and published again: harmless, because the receivers compare versions.
import { DomainOperation, ReplicationTask, ReplicationTaskType } from '@antiphon/proto/admin';
import type { DomainRecord } from '@antiphon/proto/internal';
import { required } from '#base';
import type { Env } from '#env';
import { DOMAIN_TOPIC, type LogPublisher } from '#log';
import type { DomainStore } from '#persistence';
import { timestampOf } from '../tasks/index.ts';

const OPERATIONS = {
  create: DomainOperation.DOMAIN_OPERATION_CREATE,
  update: DomainOperation.DOMAIN_OPERATION_UPDATE,
  delete: DomainOperation.DOMAIN_OPERATION_DELETE,
} as const;

export interface DomainPublisher {
  publish(record: DomainRecord, operation: keyof typeof OPERATIONS): Promise<void>;
  /** Publishes the global domains that this process has not published as they are now; at start these are all. */
  publishMissing(): Promise<void>;
}

export function createDomainPublisher(deps: { env: Env; log: LogPublisher; domains: DomainStore }): DomainPublisher {
  const { env, log, domains } = deps;
  const messageOf = (record: DomainRecord, operation: keyof typeof OPERATIONS) => {
    const domain = required(record.domain, 'a domain record has a domain');
    const task: ReplicationTask = {
      taskType: ReplicationTaskType.REPLICATION_TASK_TYPE_DOMAIN,
      sourceTaskId: 0n,
      creationTime: timestampOf(env.clock.nowMs()),
      attributes: {
        $case: 'domainTaskAttributes',
        value: {
          domainOperation: OPERATIONS[operation],
          id: domain.id,
          domain,
          configVersion: BigInt(record.configVersion),
          failoverVersion: domain.failoverVersion,
          previousFailoverVersion: BigInt(record.previousFailoverVersion),
        },
      },
    };
    return { key: domain.id, value: ReplicationTask.encode(task).finish() };
  };
  /** Notification versions by domain id. */
  const published = new Map<string, number>();
  const note = ({ domain, notificationVersion }: DomainRecord): void => {
    const id = domain?.id ?? '';
    published.set(id, Math.max(published.get(id) ?? 0, notificationVersion));
  };
  const isMissing = ({ domain, notificationVersion }: DomainRecord): boolean =>
    domain?.isGlobalDomain === true && (published.get(domain.id) ?? -1) < notificationVersion;

  return {
    async publish(record, operation) {
      await log.publish(DOMAIN_TOPIC, [messageOf(record, operation)]);
      if (operation === 'delete') published.delete(record.domain?.id ?? '');
      else note(record);
    },
    async publishMissing() {
      const missing = (await domains.listDomains()).filter(isMissing);
      if (missing.length === 0) return;
      await log.publish(
        DOMAIN_TOPIC,
        missing.map((record) => messageOf(record, 'update')),
      );
      for (const record of missing) note(record);
    },
  };
}
