// Domain changes on their way to the other regions. A change is published after it is committed; a crash between the two is repaired by
// publishing every global domain again at start, which is harmless, because the receivers compare versions.
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
  /** Publishes all global domains. */
  publishAll(): Promise<void>;
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
  return {
    publish: (record, operation) => log.publish(DOMAIN_TOPIC, [messageOf(record, operation)]),
    async publishAll() {
      const records = (await domains.listDomains()).filter(({ domain }) => domain?.isGlobalDomain);
      if (records.length > 0) {
        await log.publish(
          DOMAIN_TOPIC,
          records.map((record) => messageOf(record, 'update')),
        );
      }
    },
  };
}
