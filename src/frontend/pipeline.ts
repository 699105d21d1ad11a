// What every RPC passes through, outside in (semantics §1.4): access control → forwarding to the active region → metrics → rate limit →
// client version → handler. A handler sees its domain resolved and its task token decoded and checked; it is only the RPC's own work.
import { permissionOf } from '#auth';
import { badRequest, EntityNotExistsError, internalService } from '#base';
import type { DomainView, Limits } from '#core';
import { AUTO_FORWARDING, CHECKS_CLIENT_VERSION, createDomainLimits } from '#dynamicconfig';
import { type CallClass, createCallQuotas } from '#quotas';
import {
  type CallContext,
  checkClientVersion,
  decodeQueryTaskToken,
  decodeTaskToken,
  type Handler,
  normalizeVersionedError,
  operationName,
  type Principal,
  type QueryTaskToken,
  type ReplyOf,
  type RequestOf,
  SERVICE_DEFINITIONS,
  type ServiceName,
  type TaskToken,
} from '#rpc';
import { type AuditedCall, createAuditLog } from './audit-log.ts';
import { createSnapshot } from './audit-snapshots.ts';
import { domainNameIn, isAudited } from './audited-calls.ts';
import { createForwarder, type Forwarder, type Forwarding } from './forwarding.ts';
import type { FrontendDeps, FrontendOptions } from './ports.ts';
import { checkLength } from './request-checks.ts';
import { createOperationMeter } from './request-metrics.ts';

export interface Traits {
  readonly class: CallClass;
  readonly forward: Forwarding;
  /** WorkflowExecutionAlreadyCompleted becomes EntityNotExists for clients that do not know it (semantics §1.6). */
  readonly normalizesCompleted?: boolean;
}

/** Operators' calls: no quota is theirs, and they are about this region. */
export const ADMIN_CALL: Traits = { class: 'none', forward: 'never' };

type Definitions = typeof SERVICE_DEFINITIONS;
type Definition<K extends ServiceName, M extends keyof Definitions[K]> = Definitions[K][M];

/** What a request is about. */
export interface Scope<T> {
  readonly domain: DomainView | undefined;
  readonly subject: T;
}

type Resolve<Q, T> = (request: Q) => Scope<T> | Promise<Scope<T>>;

export interface Call<T> {
  readonly context: CallContext;
  readonly subject: T;
  /** Who calls; undefined where calls are not authenticated. */
  readonly principal: Principal | undefined;
  /** Of the call's domain. */
  readonly limits: Limits;
}

export interface Pipeline {
  serve<K extends ServiceName, M extends keyof Definitions[K] & string, T>(
    service: K,
    method: M,
    traits: Traits,
    resolve: Resolve<RequestOf<Definition<K, M>>, T>,
    handle: (request: RequestOf<Definition<K, M>>, call: Call<T>) => Promise<ReplyOf<Definition<K, M>>>,
  ): Handler<Definition<K, M>>;
  /** Resolves a request by its domain name. */
  byDomain(request: { readonly domain: string }): Scope<DomainView> | Promise<Scope<DomainView>>;
  byDomainId(id: string): Scope<DomainView> | Promise<Scope<DomainView>>;
  /** Resolves a request by the task token it carries. */
  byTask(request: { readonly taskToken: Uint8Array }): Scope<TaskToken> | Promise<Scope<TaskToken>>;
  byQueryTask(request: { readonly taskToken: Uint8Array }): Scope<QueryTaskToken> | Promise<Scope<QueryTaskToken>>;
  /** A request about the cluster as a whole. */
  byNothing(): Scope<undefined>;
  stop(): void;
}

const NO_TARGETS: readonly string[] = [];

/** The answer of the first region that has the run; `refusal`: when none has. */
async function firstThatKnows(
  targets: readonly string[],
  call: (target: string) => Promise<unknown>,
  refusal: unknown,
): Promise<unknown> {
  for (const target of targets) {
    try {
      return await call(target);
    } catch (error) {
      if (!(error instanceof EntityNotExistsError)) throw error;
    }
  }
  throw refusal;
}

export function createPipeline(deps: FrontendDeps, options: FrontendOptions): Pipeline {
  const { env, domains, accessControl } = deps;
  const limitsOf = createDomainLimits(deps.config);
  const quotas = createCallQuotas(env, deps.config);
  const forwards = deps.config.property(AUTO_FORWARDING);
  const checksClientVersion = deps.config.property(CHECKS_CLIENT_VERSION);
  const forwarder: Forwarder = createForwarder(deps, options.forwarding);
  const audit =
    deps.audit === undefined
      ? undefined
      : createAuditLog({ env, store: deps.audit, snapshot: createSnapshot(deps) }, options.audit);
  const state = { isStopped: false };

  const ofDomain = <T>(domain: DomainView, subject: T): Scope<T> => ({ domain, subject });
  // Without a promise when the cache has it: that is nearly every call.
  const ofDomainId = <T>(id: string, subject: T): Scope<T> | Promise<Scope<T>> => {
    const known = domains.peekById(id);
    return known === undefined
      ? domains.byId(id).then((domain) => ofDomain(domain, subject))
      : ofDomain(known, subject);
  };
  const withDomainOfId = async (id: string): Promise<Scope<DomainView>> => {
    const domain = domains.peekById(id) ?? (await domains.byId(id));
    return ofDomain(domain, domain);
  };
  return {
    serve(service, method, traits, resolve, handle) {
      // The method's definition, by its own key.
      const { path } = SERVICE_DEFINITIONS[service][method] as { path: string };
      const operation = operationName(path);
      // Deny by default: without a row in the table there is no handler.
      const permission = permissionOf(service, method);
      const meter = createOperationMeter(env, operation);
      const audited = isAudited(service, method) ? audit : undefined;
      const auditedCall = (request: unknown, context: CallContext, principal: Principal | undefined): AuditedCall => ({
        operation,
        domain: domainNameIn(request, service),
        request,
        principal,
        context,
      });
      const perform: typeof handle =
        audited === undefined
          ? handle
          : (request, call) =>
              audited.around(auditedCall(request, call.context, call.principal), () => handle(request, call));
      const remote = { service, method, carriesHistory: operation === 'GetWorkflowExecutionHistory' };
      return async (request, context) => {
        const startedMs = env.clock.monotonicMs();
        let domainName = '';
        try {
          if (state.isStopped) throw internalService('Shutting down');
          let principal: Principal | undefined;
          if (accessControl !== undefined) {
            const found = accessControl.authenticate(operation, context);
            principal = found instanceof Promise ? await found : found;
          }
          const resolved = resolve(request);
          const { domain, subject } = resolved instanceof Promise ? await resolved : resolved;
          domainName = domain?.name ?? '';
          if (principal !== undefined && accessControl !== undefined) {
            try {
              accessControl.authorize(principal, { operation, permission, domain, context });
            } catch (error) {
              audited?.refused(auditedCall(request, context, principal));
              throw error;
            }
          }
          const isForwarding = forwards.ofDomain(domainName);
          const found = isForwarding ? forwarder.target(traits.forward, domain, context, request) : undefined;
          const target = found instanceof Promise ? await found : found;
          if (target !== undefined) {
            const reply = await forwarder.forward(target, remote, request, context, principal);
            meter.record(domainName, startedMs, undefined);
            return reply as ReplyOf<Definition<typeof service, typeof method>>; // The same RPC answered it.
          }
          const turn = quotas.take(domainName, traits.class, context, principal);
          if (turn !== undefined) await turn;
          if (checksClientVersion.get()) checkClientVersion(context.caller);
          const call = { context, subject, principal, limits: limitsOf(domainName) };
          let reply: ReplyOf<Definition<typeof service, typeof method>>;
          try {
            reply = await perform(request, call);
          } catch (error) {
            const targets = isForwarding
              ? forwarder.targetsAfter(error, traits.forward, domain, context, request)
              : NO_TARGETS;
            if (targets.length === 0) throw error;
            const onward = (next: string) => forwarder.forward(next, remote, request, context, principal);
            reply = (await firstThatKnows(targets, onward, error)) as typeof reply; // The same RPC answered it.
          }
          meter.record(domainName, startedMs, undefined);
          return reply;
        } catch (thrown) {
          const error = traits.normalizesCompleted
            ? normalizeVersionedError(thrown, context.caller, context.featureFlags)
            : thrown;
          meter.record(domainName, startedMs, error);
          // A call that waited for nothing has nobody yet who listens to its promise, and Node keeps account of each such rejection.
          await undefined;
          throw error;
        }
      };
    },
    byDomain({ domain: name }) {
      if (name === '') throw badRequest('Domain not set on request.');
      checkLength(name, limitsOf(name), 'Domain');
      const known = domains.peekByName(name);
      return known === undefined
        ? domains.byName(name).then((domain) => ofDomain(domain, domain))
        : ofDomain(known, known);
    },
    byDomainId(id) {
      if (id === '') throw badRequest('Domain not set on request.');
      checkLength(id, limitsOf(''), 'Domain');
      return withDomainOfId(id);
    },
    byTask({ taskToken }) {
      const token = decodeTaskToken(taskToken);
      return ofDomainId(token.domainId, token);
    },
    byQueryTask({ taskToken }) {
      const token = decodeQueryTaskToken(taskToken);
      return ofDomainId(token.domainId, token);
    },
    byNothing: () => ({ domain: undefined, subject: undefined }),
    stop() {
      state.isStopped = true;
    },
  };
}
