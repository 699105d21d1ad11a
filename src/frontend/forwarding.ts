// Calls on a domain that is active elsewhere go to the region where it is active (semantics §5.8): the selected ones always, any other when
// its caller asks for it. A call makes at most two hops: if the target names another region, that one is tried, then the error counts.
// In an active-active domain the run decides, and history knows it: the call is made here first, and goes on to where its refusal says that
// the run is active. A refused call has done nothing, so nothing is done twice.
// Cadence: service/frontend/wrappers/clusterredirection
import {
  QueryConsistencyLevel as Consistency,
  type GetWorkflowExecutionHistoryResponse,
  History,
  type QueryConsistencyLevel,
  type WorkflowExecution,
} from '@antiphon/proto';
import { DomainNotActiveError, EntityNotExistsError } from '#base';
import { clustersAfter, type DomainView, domainOfRun, isActiveActive } from '#core';
import {
  type CallContext,
  forwardedMetadata,
  type Principal,
  type RemoteCallOptions,
  type RemoteFrontendClient,
  type ServiceName,
} from '#rpc';
import type { ForwardingPolicy, FrontendDeps } from './ports.ts';

/** `selected`: by the default policy. `selected-v2`: also answers of activities. `asked`: only for callers that asked for it. */
export type Forwarding = 'selected' | 'selected-v2' | 'asked' | 'never';

export interface Forwarder {
  /** The region to which this call goes; undefined: it is done here. */
  target(
    forwarding: Forwarding,
    domain: DomainView | undefined,
    context: CallContext,
    request: unknown,
  ): string | undefined | Promise<string | undefined>;
  /** Where a call of an active-active domain, refused here with this error, is tried next, one after another. */
  targetsAfter(
    error: unknown,
    forwarding: Forwarding,
    domain: DomainView | undefined,
    context: CallContext,
    request: unknown,
  ): readonly string[];
  /** In the caller's name: with his own token, or, when he proved himself otherwise, with one that says who he is. */
  forward(
    target: string,
    method: RemoteMethod,
    request: unknown,
    context: CallContext,
    principal: Principal | undefined,
  ): Promise<unknown>;
}

export interface RemoteMethod {
  readonly service: ServiceName;
  readonly method: string;
  readonly carriesHistory: boolean;
}

export function createForwarder(
  deps: Pick<FrontendDeps, 'clusters' | 'remoteClusters' | 'regionTokens' | 'history'>,
  policy: ForwardingPolicy,
): Forwarder {
  const current = deps.clusters.currentCluster;
  const isSelected = (forwarding: Forwarding): boolean =>
    (forwarding === 'selected' && policy !== 'noop') ||
    (forwarding === 'selected-v2' && policy === 'selected-apis-forwarding-v2');
  const tokenOf = async (context: CallContext, principal: Principal | undefined): Promise<string> => {
    if (context.authorization !== '' || principal === undefined) return context.authorization;
    return (await deps.regionTokens?.onBehalfOf(principal)) ?? '';
  };
  const isReachable = (cluster: string): boolean => cluster !== current && deps.remoteClusters?.(cluster) !== undefined;
  /** For a read that is to be made where the run is active. */
  const clusterOfRun = async (domain: DomainView, request: unknown): Promise<string | undefined> => {
    const { workflowExecution } = request as { workflowExecution?: WorkflowExecution };
    if (workflowExecution === undefined) return undefined;
    const { workflowId, runId } = workflowExecution;
    try {
      const { workflowExecutionInfo } = await deps.history.describeWorkflow({ domainId: domain.id, workflowId, runId });
      const own = domainOfRun(domain, workflowExecutionInfo?.activeClusterSelectionPolicy);
      return isReachable(own.activeCluster) ? own.activeCluster : undefined;
    } catch (error) {
      // It may still be on its way here: the call itself will say so.
      if (error instanceof EntityNotExistsError) return undefined;
      throw error;
    }
  };
  return {
    target(forwarding, domain, context, request) {
      if (forwarding === 'never' || domain === undefined || !domain.isGlobal) return undefined;
      if (isActiveActive(domain)) {
        const isAsked = context.forwardingCluster === '' && !isSelected(forwarding) && asksForActive(context, request);
        return isAsked ? clusterOfRun(domain, request) : undefined;
      }
      if (domain.isActiveHere) return undefined;
      if (domain.activeCluster === current || context.forwardingCluster !== '') return undefined;
      if (!isSelected(forwarding) && !asksForActive(context, request)) return undefined;
      return deps.remoteClusters?.(domain.activeCluster) === undefined ? undefined : domain.activeCluster;
    },
    targetsAfter(error, forwarding, domain, context, request) {
      if (forwarding === 'never' || domain === undefined || context.forwardingCluster !== '') return [];
      const isForwarded = isSelected(forwarding) || asksForActive(context, request);
      return isForwarded ? clustersAfter(error, domain, current).filter(isReachable) : [];
    },
    async forward(target, method, request, context, principal) {
      const callOptions = {
        metadata: forwardedMetadata(context, current, await tokenOf(context, principal)),
        deadlineMs: context.deadlineMs,
        signal: context.signal,
      };
      try {
        return await callRemote(deps.remoteClusters?.(target), target, method, request, callOptions);
      } catch (error) {
        const next = error instanceof DomainNotActiveError ? error.activeCluster : '';
        const client = next === '' || next === target || next === current ? undefined : deps.remoteClusters?.(next);
        if (client === undefined) throw error;
        return callRemote(client, next, method, request, callOptions);
      }
    },
  };
}

function asksForActive(context: CallContext, request: unknown): boolean {
  if (context.featureFlags.autoforwardingEnabled) return true;
  const { queryConsistencyLevel } = request as { queryConsistencyLevel?: QueryConsistencyLevel };
  return queryConsistencyLevel === Consistency.QUERY_CONSISTENCY_LEVEL_STRONG;
}

async function callRemote(
  client: RemoteFrontendClient | undefined,
  cluster: string,
  { service, method, carriesHistory }: RemoteMethod,
  request: unknown,
  options: RemoteCallOptions,
): Promise<unknown> {
  // Methods of the client are made from the same definitions as the pipeline's: the name exists.
  const methods = client?.[service] as unknown as
    | Readonly<Record<string, (request: unknown, options: RemoteCallOptions) => Promise<unknown>>>
    | undefined;
  const call = methods?.[method];
  if (call === undefined) throw new DomainNotActiveError('', '', cluster);
  const response = await call(request, options);
  return carriesHistory ? asEncodedHistory(response) : response;
}

// Handlers give histories as encoded blobs; a remote answer has them decoded.
function asEncodedHistory(response: unknown): unknown {
  const { history } = response as GetWorkflowExecutionHistoryResponse;
  if (history === undefined) return { response, historyBlobs: [] };
  const rest = { ...(response as object), history: undefined };
  return { response: rest, historyBlobs: [History.encode(history).finish()] };
}
