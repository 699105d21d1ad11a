// Admin RPCs of task lists: which isolation groups are drained, and how many partitions a list has.
// Cadence: service/frontend/admin/handler.go
import { TaskListKind, TaskListType } from '@antiphon/proto';
import { badRequest } from '#base';
import { ADMIN_CALL, type Pipeline } from './pipeline.ts';
import type { AdminHandlers, FrontendDeps } from './ports.ts';
import { checkEnum, requireTaskList } from './request-checks.ts';

export function createTaskListAdminApi(deps: FrontendDeps, { serve, byDomain, byNothing }: Pipeline): AdminHandlers {
  const { matching, domains, domainOperations, isolationGroups } = deps;
  const global = () => {
    if (isolationGroups !== undefined) return isolationGroups;
    throw badRequest('global isolation group drain is not supported in this cluster');
  };
  return {
    getGlobalIsolationGroups: serve('admin', 'getGlobalIsolationGroups', ADMIN_CALL, byNothing, async () => ({
      isolationGroups: await global().global(),
    })),
    updateGlobalIsolationGroups: serve(
      'admin',
      'updateGlobalIsolationGroups',
      ADMIN_CALL,
      byNothing,
      async ({ isolationGroups: configuration }) => {
        await global().updateGlobal(configuration);
        return {};
      },
    ),
    getDomainIsolationGroups: serve(
      'admin',
      'getDomainIsolationGroups',
      ADMIN_CALL,
      byDomain,
      async (_, { subject }) => ({
        isolationGroups: (await domains.record(subject.id)).domain?.isolationGroups ?? { isolationGroups: [] },
      }),
    ),
    updateDomainIsolationGroups: serve(
      'admin',
      'updateDomainIsolationGroups',
      ADMIN_CALL,
      byDomain,
      async ({ domain, isolationGroups: configuration }) => {
        await domainOperations.updateIsolationGroups(domain, configuration);
        return {};
      },
    ),
    updateTaskListPartitionConfig: serve(
      'admin',
      'updateTaskListPartitionConfig',
      ADMIN_CALL,
      byDomain,
      async ({ taskList: asked, taskListType: type, partitionConfig: config }, { subject: domain, limits }) => {
        const taskList = requireTaskList(asked, limits);
        checkEnum(taskList.kind, TaskListKind, 'TaskListKind');
        if (taskList.kind === TaskListKind.TASK_LIST_KIND_INVALID) throw badRequest('Task list kind not set.');
        if (taskList.kind !== TaskListKind.TASK_LIST_KIND_NORMAL) {
          throw badRequest("Only normal tasklist's partition config can be updated.");
        }
        checkEnum(type, TaskListType, 'TaskListType');
        if (type === TaskListType.TASK_LIST_TYPE_INVALID) throw badRequest('Task list type not set.');
        if (config === undefined) throw badRequest('Task list partition config is not set in the request.');
        await matching.updatePartitions({ domainId: domain.id, taskList, type, config });
        return {};
      },
    ),
  };
}
