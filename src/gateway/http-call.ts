// One HTTP request as the call that handlers know from gRPC: Cadence's headers as metadata, a deadline, and whether the caller is still there.
// Bearer tokens and client certificates count as they do there. A request without a deadline gets the gateway's, since nobody tells it when curl gives up.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import { Metadata } from '@grpc/grpc-js';
import { badRequest, cancelled as cancelledError, deadlineExceeded, deferred } from '#base';
import type { Env } from '#env';
import { type CallContext, createCallContext, type IncomingCall, METADATA } from '#rpc';

export interface HttpCall {
  /** Aborted when the caller hung up or the time is over. */
  readonly signal: AbortSignal;
  /**
   * Runs `work` as a call of this caller, and settles as it does, or rejects when the caller is gone or out of time; then `work` is told by its
   * context. `timeoutMs` gives it a time of its own, for routes that make one long poll after another.
   */
  run<T>(work: (context: CallContext) => Promise<T>, timeoutMs?: number): Promise<T>;
  /** The caller hung up. */
  cancel(): void;
  /** Answered: the deadline is void. */
  end(): void;
}

const HEADERS = /^(cadence|rpc)-[a-z0-9-]{1,60}$/;
const DEFAULT_CALLER = 'http';

/** `defaultTimeoutMs` undefined: no deadline unless the request has one. */
export function createHttpCall(env: Env, request: IncomingMessage, defaultTimeoutMs: number | undefined): HttpCall {
  const timeoutMs = requestedTimeoutMs(request.headers) ?? defaultTimeoutMs;
  const overallMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : env.clock.nowMs() + timeoutMs;
  const metadata = metadataOf(request);
  const { socket } = request;
  // A socket that is closed has forgotten it.
  const peer = `${socket.remoteAddress}:${socket.remotePort}`;
  const controller = new AbortController();
  const ended = deferred<never>();
  // Nobody may be waiting when the caller hangs up.
  ended.promise.catch(() => {});
  const abort = (error: Error): void => {
    if (controller.signal.aborted) return;
    ended.reject(error);
    controller.abort();
  };
  const timer =
    timeoutMs === undefined
      ? undefined
      : env.scheduler.after(timeoutMs, () => abort(deadlineExceeded('context deadline exceeded')));
  return {
    signal: controller.signal,
    async run(work, ownTimeoutMs) {
      const deadlineMs = ownTimeoutMs === undefined ? overallMs : env.clock.nowMs() + ownTimeoutMs;
      const listeners: (() => unknown)[] = [];
      const cancelled = (): void => {
        for (const listener of listeners) listener();
      };
      const call: IncomingCall = {
        metadata,
        cancelled: controller.signal.aborted,
        getDeadline: () => deadlineMs,
        getPeer: () => peer,
        getAuthContext: () => verifiedCertificate(socket),
        on: (_, listener) => listeners.push(listener),
      };
      const context = createCallContext(call);
      controller.signal.addEventListener('abort', cancelled, { once: true });
      try {
        return await Promise.race([work(context), ended.promise]);
      } finally {
        controller.signal.removeEventListener('abort', cancelled);
        context.settle();
      }
    },
    cancel: () => abort(cancelledError('The caller hung up.')),
    end: () => timer?.cancel(),
  };
}

function verifiedCertificate(socket: Socket): { sslPeerCertificate?: PeerCertificate } {
  return socket instanceof TLSSocket && socket.authorized ? { sslPeerCertificate: socket.getPeerCertificate() } : {};
}

function metadataOf(request: IncomingMessage): Metadata {
  const metadata = new Metadata();
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    // A header sent twice counts by its first value, as in gRPC.
    const value = values?.[0];
    if (value !== undefined && HEADERS.test(name) && !name.endsWith('-bin')) setText(metadata, name, value);
  }
  const { authorization } = request.headers;
  if (authorization !== undefined) setText(metadata, METADATA.bearer, authorization);
  if (metadata.get(METADATA.callerName).length === 0) metadata.set(METADATA.callerName, DEFAULT_CALLER);
  return metadata;
}

function setText(metadata: Metadata, name: string, value: string): void {
  // What gRPC can carry, so that a forwarded call can too.
  if (!/^[\x20-\x7e]*$/.test(value)) throw badRequest(`The header ${name} may have printable ASCII only.`);
  metadata.set(name, value);
}

const GRPC_UNITS_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, '': 1000 };

function requestedTimeoutMs(headers: IncomingHttpHeaders): number | undefined {
  const { 'grpc-timeout': grpc, 'x-timeout': plain } = headers;
  if (typeof grpc === 'string') {
    const [, digits = '', unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(grpc) ?? [];
    const unitMs = GRPC_UNITS_MS[unit];
    if (unitMs === undefined) throw badRequest('The header grpc-timeout must be as 30S, 500m or 2M.');
    return Number(digits) * unitMs;
  }
  if (typeof plain === 'string') {
    const [, digits = '', unit = ''] = /^(\d{1,8}(?:\.\d{1,9})?)(ms|s|m|h|)$/.exec(plain) ?? [];
    const unitMs = UNITS_MS[unit];
    if (digits === '' || unitMs === undefined)
      throw badRequest('The header x-timeout must be as 30s, 2.5s, 500ms or 2m.');
    return Number(digits) * unitMs;
  }
  return undefined;
}
