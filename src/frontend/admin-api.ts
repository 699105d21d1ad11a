// The admin RPCs that the frontend serves itself; replication's come in from outside and pass the same pipeline. All others answer
// UNIMPLEMENTED by their names.
import { assert } from '#base';
import { SERVICE_DEFINITIONS, SUPPORTED_CLIENT_VERSIONS } from '#rpc';
import { createDynamicConfigApi } from './admin-dynamic-config.ts';
import { createRunAdminApi } from './admin-run-api.ts';
import { createShardAdminApi } from './admin-shard-api.ts';
import { createAsyncAdminApi } from './async-api.ts';
import { cadenceMutableState } from './mutable-state-json.ts';
import { ADMIN_CALL, type Pipeline } from './pipeline.ts';
import type { AdminHandlers, FrontendDeps, FrontendOptions } from './ports.ts';
import { requireRun } from './request-checks.ts';
import { createSearchAttributeAdminApi } from './search-attribute-admin-api.ts';
import { createTaskListAdminApi } from './task-list-admin-api.ts';

const ROLES = ['frontend', 'history', 'matching', 'worker'] as const;

export function createAdminApi(deps: FrontendDeps, options: FrontendOptions, pipeline: Pipeline): AdminHandlers {
  const { history } = deps;
  const { serve, byDomain, byNothing } = pipeline;
  const host = { identity: options.hostName };
  return {
    ...injected(deps.adminHandlers ?? {}, pipeline),
    ...createTaskListAdminApi(deps, pipeline),
    ...createSearchAttributeAdminApi(deps, pipeline),
    ...createDynamicConfigApi(deps, pipeline),
    ...createAsyncAdminApi(deps, pipeline),
    ...createShardAdminApi(deps, options, pipeline),
    ...createRunAdminApi(deps, pipeline),
    describeCluster: serve('admin', 'describeCluster', ADMIN_CALL, byNothing, async () => ({
      supportedClientVersions: SUPPORTED_CLIENT_VERSIONS,
      membershipInfo: {
        currentHost: host,
        reachableMembers: deps.hosts?.list().map(({ id }) => id) ?? [options.hostName],
        rings: ROLES.map((role) => {
          const members = deps.hosts
            ?.list()
            .filter(({ roles, isLeaving }) => roles.includes(role) && !isLeaving)
            .map(({ id }) => ({ identity: id })) ?? [host];
          return { role: `cadence-${role}`, memberCount: members.length, members };
        }),
      },
      persistenceInfo: {
        historyStore: { backend: options.storeName, settings: [], features: [] },
        // cadence-web shows its page of queries, instead of the basic lists, when it finds this feature.
        visibilityStore: {
          backend: options.storeName,
          settings: [],
          features: [{ key: 'advancedVisibilityEnabled', enabled: true }],
        },
      },
    })),
    describeWorkflowExecution: serve(
      'admin',
      'describeWorkflowExecution',
      ADMIN_CALL,
      byDomain,
      async (request, call) => {
        const run = requireRun(call.subject.id, request.workflowExecution, call.limits);
        const { shardId, stateJson } = await history.describeMutableState(run);
        return {
          shardId,
          historyAddr: deps.hosts === undefined ? options.hostName : (deps.hosts.ownerOf(shardId) ?? ''),
          mutableStateInCache: stateJson,
          mutableStateInDatabase: cadenceMutableState(stateJson),
        };
      },
    ),
    refreshWorkflowTasks: serve('admin', 'refreshWorkflowTasks', ADMIN_CALL, byDomain, async (request, call) => {
      await history.refreshTasks(requireRun(call.subject.id, request.workflowExecution, call.limits));
      return {};
    }),
  };
}

function injected(handlers: AdminHandlers, { serve, byNothing }: Pipeline): AdminHandlers {
  type Method = keyof (typeof SERVICE_DEFINITIONS)['admin'];
  const served: Record<string, unknown> = {};
  for (const [method, handler] of Object.entries(handlers)) {
    if (handler === undefined) continue;
    // A handler by a name that no RPC has would never be called.
    assert(method in SERVICE_DEFINITIONS.admin, 'a handler is named as its RPC', { method });
    const own = handler as (request: unknown, context: unknown) => Promise<never>;
    served[method] = serve('admin', method as Method, ADMIN_CALL, byNothing, (request, { context }) =>
      own(request, context),
    );
  }
  return served as AdminHandlers; // Each key keeps the handler of its own definition.
}
