// The SDK's door to the frontend of this process: handlers are called directly, without a socket. Requests and answers keep the form they
// have on the wire: errors arrive as the statuses a client would see, so that system workflows behave as any worker's would.
import { createRpcError, RpcError, StatusCode, type Transport } from '@antiphon/sdk/worker';
import type { Env } from '#env';
import { createLocalCaller, isUnexpected, type Services, statusFromError } from '#rpc';

const DETAILS_KEY = 'grpc-status-details-bin';

export interface InProcessTransportDeps {
  readonly env: Env;
  readonly services: Services;
}

/** Every call carries the mark of the service itself (CallContext.isSystem). After `close` each one ends as cancelled. */
export function createInProcessTransport({ env, services }: InProcessTransportDeps): Transport {
  const call = createLocalCaller(services, {
    context: { callerName: 'cadence-worker', callerType: 'internal', isSystem: true },
    nowMs: () => env.clock.nowMs(),
  });
  const logger = env.logger.child({ component: 'system-worker' });
  let isClosed = false;
  const closed = (): RpcError => new RpcError('Cancelled', 'the system worker is stopped', StatusCode.cancelled);
  return {
    async call(method, request, { timeoutMs, signal }) {
      if (isClosed || signal?.aborted) throw closed();
      try {
        // The method's own definition served it: the reply is its response.
        return (await call(method.path, request, { timeoutMs, signal })) as never;
      } catch (error) {
        if (isClosed) throw closed();
        if (isUnexpected(error)) logger.warn('call of a system workflow failed', { path: method.path, error });
        const status = statusFromError(error);
        const [details] = status.metadata.get(DETAILS_KEY);
        throw createRpcError(status.code, status.details, typeof details === 'string' ? undefined : details);
      }
    },
    close() {
      isClosed = true;
    },
  };
}
