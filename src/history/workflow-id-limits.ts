// The quota of each workflow id, before a call reaches the workflow: starts, signals and describes of callers, and what other workflows ask of
// it. Without a quota, which is the default, the calls are the service's own functions. Cadence limits the same RPCs.

import type { WorkflowIdQuotas } from '#quotas';
import type { HistoryClient } from '#rpc';
import type { HistoryDeps } from './deps.ts';

type Limited = Pick<
  HistoryClient,
  'startWorkflow' | 'signalWithStart' | 'signalWorkflow' | 'describeWorkflow' | 'requestCancelWorkflow'
>;

export function limitedByWorkflowId(
  deps: Pick<HistoryDeps, 'domains'>,
  quotas: WorkflowIdQuotas,
  api: Limited,
): Limited {
  // A domain that nobody has asked for yet has nothing to be limited.
  const take = (domainId: string, workflowId: string, isInternal: boolean): void => {
    if (quotas.areOff) return;
    const domain = deps.domains.peekById(domainId);
    if (domain === undefined) return;
    if (isInternal) quotas.takeInternal(domain.name, workflowId);
    else quotas.takeExternal(domain.name, workflowId);
  };
  return {
    async startWorkflow(request, options) {
      take(options.domainId, request.workflowId, options.parent !== undefined);
      return api.startWorkflow(request, options);
    },
    async signalWithStart(request, signal, domainId, partition) {
      take(domainId, request.workflowId, false);
      return api.signalWithStart(request, signal, domainId, partition);
    },
    async signalWorkflow(run, signal) {
      take(run.domainId, run.workflowId, signal.external !== undefined);
      return api.signalWorkflow(run, signal);
    },
    async requestCancelWorkflow(run, request) {
      if (request.external !== undefined) take(run.domainId, run.workflowId, true);
      return api.requestCancelWorkflow(run, request);
    },
    async describeWorkflow(run) {
      take(run.domainId, run.workflowId, false);
      return api.describeWorkflow(run);
    },
  };
}
