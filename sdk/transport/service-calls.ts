// Calls with the retries of Cadence's clients: exponential from 20 ms, jittered, until the caller's time is up; errors that a
// retry cannot change are thrown at once. Long polls are single attempts: their loops decide.
import { setTimeout as delay } from 'node:timers/promises';
import { isRpcError, RpcError, StatusCode } from './rpc-error.ts';
import type { Transport, UnaryMethod } from './transport.ts';

const INITIAL_INTERVAL_MS = 20;
const COEFFICIENT = 1.2;
const ATTEMPT_TIMEOUT_MS = 10_000;
const DEFAULT_EXPIRY_MS = 60_000;
const BUSY_DELAY_MS = 1000;
export const POLL_TIMEOUT_MS = 150_000;

export interface CallOptions {
  /** Time for all attempts. */
  readonly expiryMs?: number;
  /** Time for one attempt. */
  readonly attemptTimeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ServiceCalls {
  /** Retries what may be retried. */
  call<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, options?: CallOptions): Promise<Res>;
  /** A single attempt that the service may hold for minutes. */
  poll<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, signal: AbortSignal, timeoutMs?: number): Promise<Res>;
  close(): void;
}

/** 80 % of the interval and a random share of the rest, so that clients do not retry in step. */
const jittered = (intervalMs: number): number => intervalMs * (0.8 + Math.random() * 0.2);

export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, { ...(signal ? { signal } : {}), ref: true });
  } catch (error) {
    throw new RpcError('Cancelled', 'the call was cancelled', StatusCode.cancelled, { cause: error });
  }
}

export function createServiceCalls(transport: Transport): ServiceCalls {
  const call = async <Req, Res>(
    method: UnaryMethod<Req, Res>,
    request: Req,
    options: CallOptions = {},
  ): Promise<Res> => {
    const { expiryMs = DEFAULT_EXPIRY_MS, attemptTimeoutMs = ATTEMPT_TIMEOUT_MS, signal } = options;
    const expiresAt = Date.now() + expiryMs;
    let intervalMs = INITIAL_INTERVAL_MS;
    for (;;) {
      try {
        const leftMs = Math.max(1, expiresAt - Date.now());
        return await transport.call(method, request, { timeoutMs: Math.min(attemptTimeoutMs, leftMs), signal });
      } catch (error) {
        const waitMs = jittered(intervalMs) + (isRpcError(error, 'ServiceBusy') ? BUSY_DELAY_MS : 0);
        if (!isRpcError(error) || !error.isRetryable || Date.now() + waitMs >= expiresAt) throw error;
        await pause(waitMs, signal);
        intervalMs = Math.min(intervalMs * COEFFICIENT, expiryMs / 10);
      }
    }
  };
  return {
    call,
    poll: (method, request, signal, timeoutMs = POLL_TIMEOUT_MS) =>
      transport.call(method, request, { timeoutMs, signal }),
    close: () => transport.close(),
  };
}
