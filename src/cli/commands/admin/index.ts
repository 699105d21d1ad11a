// `admin`: what operators do. Every command here asks the server; what Cadence's CLI does by opening the database itself is not here, or is done by the server.
import type { Command } from 'commander';
import { addGroup } from '../../spec/command.ts';
import { addDomainCommands } from '../domain.ts';
import { addAsyncQueueCommands } from './async-queue.ts';
import { addAdminClusterCommands } from './cluster.ts';
import { addDlqCommands } from './dlq.ts';
import { addDomainNameCommand } from './domain-name.ts';
import { addManagedFailoverCommands } from './failover.ts';
import { addIsolationGroupCommands } from './isolation-groups.ts';
import { addQueueCommands } from './queue.ts';
import { addHistoryHostCommands, addShardCommands } from './shard.ts';
import { addAdminTaskListCommands } from './tasklist.ts';
import { addVisibilityCommands } from './visibility.ts';
import { addAdminWorkflowCommands, addReplicationCommands } from './workflow.ts';

export function addAdminCommands(program: Command): void {
  const admin = addGroup(program, { name: 'admin', aliases: ['adm'], summary: 'operate a cluster' });
  addAdminWorkflowCommands(
    addGroup(admin, { name: 'workflow', aliases: ['wf'], summary: 'a run as the server has it' }),
  );
  addShardCommands(addGroup(admin, { name: 'shard', aliases: ['shar'], summary: 'shards and who owns them' }));
  addHistoryHostCommands(
    addGroup(admin, {
      name: 'history_host',
      aliases: ['hist', 'history-host'],
      summary: 'hosts of the history service',
    }),
  );
  const domain = addGroup(admin, { name: 'domain', aliases: ['d'], summary: 'domains, as "antiphon domain"' });
  addDomainCommands(domain);
  addDomainNameCommand(domain);
  addAdminTaskListCommands(addGroup(admin, { name: 'tasklist', aliases: ['tl'], summary: 'task lists in detail' }));
  const cluster = addGroup(admin, { name: 'cluster', aliases: ['cl'], summary: 'the cluster as a whole' });
  addAdminClusterCommands(cluster);
  addManagedFailoverCommands(cluster);
  addIsolationGroupCommands(
    addGroup(admin, { name: 'isolation-groups', aliases: ['ig'], summary: 'zones, and draining them' }),
  );
  addDlqCommands(addGroup(admin, { name: 'dlq', summary: 'replication messages that could not be applied' }));
  addQueueCommands(addGroup(admin, { name: 'queue', aliases: ['q'], summary: 'task queues of a shard' }));
  addAsyncQueueCommands(
    addGroup(admin, { name: 'async-wf-queue', aliases: ['aq'], summary: 'queues of asynchronous starts' }),
  );
  addVisibilityCommands(addGroup(admin, { name: 'visibility', summary: 'the index that runs are found by' }));
  addReplicationCommands(addGroup(admin, { name: 'kafka', aliases: ['ka'], summary: 'replication by hand' }));
}
