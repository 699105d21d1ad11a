// Start and signal-with-start that are accepted now and done soon: the request is checked as its synchronous twin's, put into the durable
// queue of its domain, and answered. What becomes of it later is seen in the domain, not by the caller.
// Cadence: service/frontend/api/handler.go, common/asyncworkflow
import {
  type AsyncWorkflowConfiguration,
  SignalWithStartWorkflowExecutionRequest,
  StartWorkflowExecutionRequest,
} from '@antiphon/proto';
import { badRequest } from '#base';
import { type DomainView, FAIRNESS_KEY, FAIRNESS_WEIGHT_KEY, PRIORITY_KEY, requirePriorityFields } from '#core';
import { type AsyncRequest, type CallContext, type Handlers, METADATA, type SERVICE_DEFINITIONS } from '#rpc';
import { ADMIN_CALL, type Call, type Pipeline, type Traits } from './pipeline.ts';
import type { AdminHandlers, FrontendDeps } from './ports.ts';
import { checkBlobSize, checkLength, payloadSize } from './request-checks.ts';
import { validatedStart } from './start-validation.ts';

type WorkflowHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['workflow']>;

const ASYNC: Traits = { class: 'async', forward: 'selected' };
const KEPT_METADATA = [PRIORITY_KEY, FAIRNESS_KEY, FAIRNESS_WEIGHT_KEY] as const;

export function createAsyncApi(deps: FrontendDeps, { serve, byDomain }: Pipeline): WorkflowHandlers {
  const { env, domains, asyncRequests } = deps;
  // As for a start.
  const startDomain = (domain = '') => {
    if (domain === '') throw badRequest('Domain name is empty');
    return byDomain({ domain });
  };

  const append = async (domain: DomainView, request: AsyncRequest): Promise<Record<string, never>> => {
    const config = (await domains.record(domain.id)).domain?.asyncWorkflowConfig;
    if (asyncRequests === undefined || !config?.enabled) {
      throw badRequest(`async workflow is not enabled for domain ${domain.name}`);
    }
    if (domain.isDeprecated) throw badRequest('Domain is deprecated.');
    await asyncRequests.append(domain.id, request);
    return {};
  };

  return {
    startWorkflowExecutionAsync: serve(
      'workflow',
      'startWorkflowExecutionAsync',
      ASYNC,
      ({ request }) => startDomain(request?.domain),
      async ({ request: asked }, { subject: domain, context, limits }: Call<DomainView>) => {
        const request = asked ?? StartWorkflowExecutionRequest.create();
        validatedStart(request, deps, { requestIdIsUuid: true, limits });
        return append(domain, {
          kind: 'start',
          workflowId: request.workflowId,
          request: StartWorkflowExecutionRequest.encode(request).finish(),
          metadata: metadataOf(context),
        });
      },
    ),

    signalWithStartWorkflowExecutionAsync: serve(
      'workflow',
      'signalWithStartWorkflowExecutionAsync',
      ASYNC,
      ({ request }) => startDomain(request?.startRequest?.domain),
      async ({ request: asked }, { subject: domain, context, limits }: Call<DomainView>) => {
        const start = asked?.startRequest;
        if (asked === undefined || start === undefined) throw badRequest('StartRequest is not set on request.');
        if (asked.signalName === '') throw badRequest('SignalName is not set on request.');
        checkLength(asked.signalName, limits, 'SignalName');
        checkBlobSize(payloadSize(asked.signalInput), limits);
        validatedStart(start, deps, { requestIdIsUuid: false, limits });
        // The consumer may have to repeat the call: by this id it counts once.
        const startRequest = { ...start, requestId: start.requestId || env.random.uuid() };
        return append(domain, {
          kind: 'signalWithStart',
          workflowId: start.workflowId,
          request: SignalWithStartWorkflowExecutionRequest.encode({ ...asked, startRequest }).finish(),
          metadata: metadataOf(context),
        });
      },
    ),
  };
}

/** Which domains take such requests. */
export function createAsyncAdminApi(deps: FrontendDeps, { serve, byDomain }: Pipeline): AdminHandlers {
  const { domains, domainOperations } = deps;
  return {
    getDomainAsyncWorkflowConfiguraton: serve(
      'admin',
      'getDomainAsyncWorkflowConfiguraton',
      ADMIN_CALL,
      byDomain,
      async (_request, { subject }) => ({
        configuration: (await domains.record(subject.id)).domain?.asyncWorkflowConfig,
      }),
    ),
    updateDomainAsyncWorkflowConfiguraton: serve(
      'admin',
      'updateDomainAsyncWorkflowConfiguraton',
      ADMIN_CALL,
      byDomain,
      async ({ domain, configuration }, { limits }) => {
        if (configuration !== undefined) checkLength(configuration.predefinedQueueName, limits, 'PredefinedQueueName');
        await domainOperations.updateAsyncWorkflow(domain, checkedConfiguration(configuration));
        return {};
      },
    ),
  };
}

/** The queue is the region's own store, under whatever name; a queue elsewhere is refused here, not at the first request. */
function checkedConfiguration(configuration: AsyncWorkflowConfiguration | undefined) {
  const { queueType = '', queueConfig } = configuration ?? {};
  if (queueType !== '' && queueType !== 'embedded') {
    const name = queueType.slice(0, 100);
    throw badRequest(
      `queue type "${name}" is not supported: requests wait in the region's own store, type "embedded".`,
    );
  }
  if (queueConfig !== undefined && queueConfig.data.length > 0) {
    throw badRequest('queue_config must be empty: a queue of type "embedded" has no configuration.');
  }
  return configuration;
}

function metadataOf(context: CallContext): Readonly<Record<string, string>> {
  requirePriorityFields((name) => context.metadataText(name));
  const entries: (readonly [string, string])[] = KEPT_METADATA.map((key) => [key, context.metadataText(key)]);
  entries.push([METADATA.isolationGroup, context.isolationGroup], [METADATA.callerType, context.callerType]);
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}
