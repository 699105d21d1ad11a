// What the caller said beside the request: the Cadence metadata of semantics §1.2, the deadline, and whether he is still there.
// Everything is read lazily, because most calls use little of it. `rpc-service` and its kin are not required and never echoed.
import type { PeerCertificate } from 'node:tls';
import { Metadata, type MetadataValue } from '@grpc/grpc-js';
import { FAIRNESS_KEY, FAIRNESS_WEIGHT_KEY, PRIORITY_KEY } from '#core';
import type { CallerInfo } from './clients.ts';

export interface ClientFeatureFlags {
  readonly workflowExecutionAlreadyCompletedErrorEnabled: boolean;
  readonly autoforwardingEnabled: boolean;
}

export interface CallContext {
  /** Of the client library. */
  readonly caller: CallerInfo;
  /** `rpc-caller`: the application. */
  readonly callerName: string;
  /** sdk, ui, cli, internal; `unknown` when it did not say. */
  readonly callerType: string;
  readonly featureFlags: ClientFeatureFlags;
  readonly isolationGroup: string;
  /** A key of the request's metadata that has no member of its own here; empty when absent. */
  metadataText(key: string): string;
  /** Raw JWT, without `Bearer `: of `cadence-authorization`, else of `authorization`. */
  readonly authorization: string;
  /** The verified certificate of the connection, when callers must have one (mTLS). */
  readonly clientCertificate: ClientCertificate | undefined;
  /** Address of the caller's end of the connection. */
  readonly peer: string;
  /** Set when another region's frontend forwarded this call: it is not forwarded again. */
  readonly forwardingCluster: string;
  /** The service's own workflows call, inside this process. No metadata of a remote caller can set it. */
  readonly isSystem: boolean;
  /** Unix milliseconds; undefined: the caller set none. */
  readonly deadlineMs: number | undefined;
  /** Aborted when the caller hung up or the deadline passed. */
  readonly signal: AbortSignal;
  /** The same as a call back, without making a signal; at once if it is too late. The returned function forgets the listener. */
  onAbort(listener: () => void): () => void;
}

/** Whom a call is made by. */
export interface Principal {
  /** For logs and the audit: the token's name or subject, or the certificate's. */
  readonly name: string;
  readonly isAdmin: boolean;
  readonly groups: readonly string[];
}

/** This process itself: calls that are `isSystem`. */
export const SYSTEM_PRINCIPAL: Principal = { name: 'system', isAdmin: true, groups: [] };

export interface ClientCertificate {
  readonly commonName: string;
  /** As `DNS:worker.example`, `URI:spiffe://…`. */
  readonly alternativeNames: readonly string[];
}

export const METADATA = {
  callerName: 'rpc-caller',
  service: 'rpc-service',
  encoding: 'rpc-encoding',
  clientImpl: 'cadence-client-name',
  featureVersion: 'cadence-client-feature-version',
  libraryVersion: 'cadence-client-library-version',
  featureFlags: 'cadence-client-feature-flags',
  callerType: 'cadence-caller-type',
  authorization: 'cadence-authorization',
  bearer: 'authorization',
  isolationGroup: 'cadence-client-isolation-group',
  forwardingCluster: 'cadence-forwarding-cluster',
} as const;

const NO_FLAGS: ClientFeatureFlags = {
  workflowExecutionAlreadyCompletedErrorEnabled: false,
  autoforwardingEnabled: false,
};

/** The part of grpc-js's metadata that a context needs. */
export interface IncomingMetadata {
  get(key: string): readonly MetadataValue[];
}

/** The part of a grpc-js server call that a context needs. */
export interface IncomingCall {
  readonly metadata: IncomingMetadata;
  readonly cancelled: boolean;
  getDeadline(): Date | number;
  getPeer(): string;
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate };
  on(event: 'cancelled', listener: () => unknown): unknown;
}

const nothing = (): void => {};

export interface ServedCallContext extends CallContext {
  /** The handler has answered: what happens to the call from now on is no abort. */
  settle(): void;
}

export function createCallContext(call: IncomingCall): ServedCallContext {
  return new GrpcCallContext(call);
}

class GrpcCallContext implements ServedCallContext {
  readonly isSystem = false;
  readonly #call: IncomingCall;
  #caller: CallerInfo | undefined;
  #flags: ClientFeatureFlags | undefined;
  #signal: AbortSignal | undefined;
  #settled = false;

  constructor(call: IncomingCall) {
    this.#call = call;
  }

  // A key sent twice counts by its first value, as with the reference's header forwarding.
  #text(key: string): string {
    const value = this.#call.metadata.get(key)[0];
    return value === undefined ? '' : value.toString();
  }

  get caller(): CallerInfo {
    this.#caller ??= {
      clientImpl: this.#text(METADATA.clientImpl),
      featureVersion: this.#text(METADATA.featureVersion),
      libraryVersion: this.#text(METADATA.libraryVersion),
    };
    return this.#caller;
  }

  get callerName(): string {
    return this.#text(METADATA.callerName);
  }

  get callerType(): string {
    return this.#text(METADATA.callerType) || 'unknown';
  }

  get featureFlags(): ClientFeatureFlags {
    this.#flags ??= parseFeatureFlags(this.#text(METADATA.featureFlags));
    return this.#flags;
  }

  metadataText(key: string): string {
    return this.#text(key);
  }

  get isolationGroup(): string {
    return this.#text(METADATA.isolationGroup);
  }

  get authorization(): string {
    const own = this.#text(METADATA.authorization);
    return withoutScheme(own === '' ? this.#text(METADATA.bearer) : own);
  }

  get clientCertificate(): ClientCertificate | undefined {
    // Only of a connection whose certificate was verified.
    const certificate = this.#call.getAuthContext().sslPeerCertificate;
    if (certificate === undefined) return undefined;
    return {
      commonName: [certificate.subject?.CN ?? ''].flat()[0] ?? '',
      alternativeNames: alternativeNames(certificate.subjectaltname ?? ''),
    };
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  get forwardingCluster(): string {
    return this.#text(METADATA.forwardingCluster);
  }

  get deadlineMs(): number | undefined {
    const deadline = Number(this.#call.getDeadline());
    return Number.isFinite(deadline) ? deadline : undefined;
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const controller = new AbortController();
      this.onAbort(() => controller.abort());
      this.#signal = controller.signal;
    }
    return this.#signal;
  }

  onAbort(listener: () => void): () => void {
    if (this.#call.cancelled) listener();
    // grpc-js says `cancelled` at the end of every call, answered ones included.
    else this.#call.on('cancelled', () => this.#settled || listener());
    return nothing; // The call takes its listeners with it.
  }

  settle(): void {
    this.#settled = true;
  }
}

// Node quotes a name that holds a separator. Such a name is somebody's attempt to look like two: none of the certificate counts then.
const alternativeNames = (text: string): readonly string[] =>
  text === '' || text.includes('"') ? [] : text.split(', ');

const BEARER = /^bearer +/i;
const withoutScheme = (text: string): string => text.replace(BEARER, '');

/**
 * A context for calls without a gRPC connection: tests, system workflows, the HTTP gateway. Where calls are authenticated it is nobody's,
 * unless `authorization` proves somebody, or `isSystem` says that this process itself calls.
 */
export function createLocalContext(fields: Partial<CallContext> = {}): CallContext {
  const nobody: CallContext = {
    caller: { clientImpl: '', featureVersion: '', libraryVersion: '' },
    callerName: 'in-process',
    callerType: 'internal',
    featureFlags: { workflowExecutionAlreadyCompletedErrorEnabled: true, autoforwardingEnabled: false },
    isolationGroup: '',
    metadataText: () => '',
    authorization: '',
    clientCertificate: undefined,
    peer: 'in-process',
    forwardingCluster: '',
    isSystem: false,
    deadlineMs: undefined,
    signal: fields.signal ?? new AbortController().signal,
    onAbort(listener) {
      const { signal } = this;
      if (signal.aborted) listener();
      else signal.addEventListener('abort', listener, { once: true });
      return () => signal.removeEventListener('abort', listener);
    },
  };
  return { ...nobody, ...fields };
}

/** jsonpb of api.v1.FeatureFlags, in any of its spellings. What does not parse counts as no flag. */
export function parseFeatureFlags(text: string): ClientFeatureFlags {
  if (text === '') return NO_FLAGS;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return NO_FLAGS; // Semantics §1.2: bad JSON is no flag, not an error.
  }
  if (typeof value !== 'object' || value === null) return NO_FLAGS;
  const enabled = new Set(
    Object.entries(value)
      .filter(([, flag]) => flag === true)
      .map(([key]) => key.replaceAll('_', '').toLowerCase()),
  );
  return {
    workflowExecutionAlreadyCompletedErrorEnabled: enabled.has('workflowexecutionalreadycompletederrorenabled'),
    autoforwardingEnabled: enabled.has('autoforwardingenabled'),
  };
}

/** Metadata for the call that a frontend makes to another region in the caller's name. */
export function forwardedMetadata(
  context: CallContext,
  currentCluster: string,
  authorization: string = context.authorization,
): Metadata {
  const metadata = new Metadata();
  const entries: readonly (readonly [string, string])[] = [
    [METADATA.callerName, 'cadence-xdc-client'],
    [METADATA.service, 'cadence-frontend'],
    [METADATA.encoding, 'proto'],
    [METADATA.clientImpl, context.caller.clientImpl],
    [METADATA.featureVersion, context.caller.featureVersion],
    [METADATA.libraryVersion, context.caller.libraryVersion],
    [METADATA.featureFlags, flagsJson(context.featureFlags)],
    [METADATA.callerType, context.callerType],
    [METADATA.authorization, authorization],
    [METADATA.isolationGroup, context.isolationGroup],
    [PRIORITY_KEY, context.metadataText(PRIORITY_KEY)],
    [FAIRNESS_KEY, context.metadataText(FAIRNESS_KEY)],
    [FAIRNESS_WEIGHT_KEY, context.metadataText(FAIRNESS_WEIGHT_KEY)],
    [METADATA.forwardingCluster, currentCluster],
  ];
  for (const [key, value] of entries) {
    if (value !== '') metadata.set(key, value);
  }
  return metadata;
}

const flagsJson = (flags: ClientFeatureFlags): string =>
  JSON.stringify({
    WorkflowExecutionAlreadyCompletedErrorEnabled: flags.workflowExecutionAlreadyCompletedErrorEnabled,
    AutoforwardingEnabled: flags.autoforwardingEnabled,
  });
