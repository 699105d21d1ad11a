// The frontend: every RPC of Cadence's API on top of the history and matching clients. It keeps no state but rate limits and metrics, so any
// number of them can serve the same cluster.

import { createActivityApi } from './activity-api.ts';
import { createAdminApi } from './admin-api.ts';
import { createAsyncApi } from './async-api.ts';
import { createAuditApi } from './audit-api.ts';
import { createChangeApi } from './change-api.ts';
import { createDecisionApi } from './decision-api.ts';
import { createDiagnoseApi } from './diagnose-api.ts';
import { createDomainApi } from './domain-api.ts';
import { createHostsApi } from './hosts-api.ts';
import { createIndexApi } from './index-api.ts';
import { createPipeline } from './pipeline.ts';
import { createPollApi, createPollGate } from './poll-api.ts';
import type { Frontend, FrontendDeps, FrontendOptions } from './ports.ts';
import { DEFAULT_FRONTEND_OPTIONS } from './ports.ts';
import { createReadApi } from './read-api.ts';
import { createScheduleApi } from './schedule-api.ts';
import { createStartApi } from './start-api.ts';
import { createVisibilityApi } from './visibility-api.ts';

export function createFrontend(deps: FrontendDeps, given: Partial<FrontendOptions> = {}): Frontend {
  const options: FrontendOptions = { ...DEFAULT_FRONTEND_OPTIONS, ...given };
  const pipeline = createPipeline(deps, options);
  const polls = createPollGate();
  return {
    services: {
      workflow: {
        ...createStartApi(deps, pipeline),
        ...createAsyncApi(deps, pipeline),
        ...createDiagnoseApi(deps, pipeline),
        ...createChangeApi(deps, pipeline),
        ...createReadApi(deps, options, pipeline),
      },
      worker: {
        ...createPollApi(deps, options, pipeline, polls),
        ...createDecisionApi(deps, pipeline),
        ...createActivityApi(deps, pipeline),
      },
      domain: createDomainApi(deps, pipeline),
      visibility: createVisibilityApi(deps, options, pipeline),
      schedule: createScheduleApi(deps, options, pipeline),
      meta: {
        health: async () => (polls.isClosed ? { ok: false, message: 'shutting down' } : { ok: true, message: 'OK' }),
      },
      admin: createAdminApi(deps, options, pipeline),
      audit: createAuditApi(deps, pipeline),
      hosts: createHostsApi(deps, options, pipeline),
      index: createIndexApi(deps, pipeline),
    },
    stop() {
      pipeline.stop();
      polls.close();
    },
  };
}
