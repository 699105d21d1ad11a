// Who calls, and may he: the two questions that every RPC passes. The answer to a caller who may not is always the same, Cadence's
// "Request unauthorized."; why, is in the server's log. Authentication comes before anything else is looked up, so that strangers learn nothing.
import { accessDenied } from '#base';
import type { Env } from '#env';
import { type CallContext, type ClientCertificate, type Principal, SYSTEM_PRINCIPAL } from '#rpc';
import { TokenRefused } from './claims.ts';
import { createDenialLog } from './denial-log.ts';
import { isAllowed } from './domain-groups.ts';
import type { Permission } from './permissions.ts';
import type { TokenVerifier } from './token-verifier.ts';

export interface Attempt {
  readonly operation: string;
  readonly permission: Permission;
  readonly context: CallContext;
  /** The call's domain; undefined for a call about none. */
  readonly domain: { readonly name: string; readonly data: Readonly<Record<string, string>> } | undefined;
}

export interface AccessControl {
  /** Throws AccessDenied when the caller does not prove who he is. A promise only for a token that was not seen before. */
  authenticate(operation: string, context: CallContext): Principal | Promise<Principal>;
  /** Throws AccessDenied when he may not. */
  authorize(principal: Principal, attempt: Attempt): void;
}

/** Whom a client certificate stands for. */
export interface CertificateIdentity {
  /** Common name, or an alternative name with its kind. */
  readonly subject: string;
  readonly principal: Principal;
}

export interface AccessControlDeps {
  readonly env: Env;
  readonly verifier: TokenVerifier;
  /** Only where connections need a verified certificate. The first that fits counts; a token counts more. */
  readonly certificates: readonly CertificateIdentity[];
}

const DENIED = 'Request unauthorized.';

export function createAccessControl({ env, verifier, certificates }: AccessControlDeps): AccessControl {
  const report = createDenialLog(env);
  const refuse = (operation: string, { peer, callerName }: CallContext, reason: string, more = {}): Error => {
    report({ operation, reason, peer, callerName, ...more });
    return accessDenied(DENIED);
  };
  const refusal = (operation: string, context: CallContext, error: unknown): unknown =>
    error instanceof TokenRefused ? refuse(operation, context, error.message) : error;
  return {
    authenticate(operation, context) {
      if (context.isSystem) return SYSTEM_PRINCIPAL;
      const { authorization } = context;
      if (authorization === '') {
        const principal = principalOf(context.clientCertificate, certificates);
        if (principal !== undefined) return principal;
      }
      try {
        const principal = verifier.verify(authorization);
        if (!(principal instanceof Promise)) return principal;
        return principal.catch((error: unknown) => {
          throw refusal(operation, context, error);
        });
      } catch (error) {
        throw refusal(operation, context, error);
      }
    },
    authorize(principal, { operation, permission, context, domain }) {
      if (isAllowed(principal, permission, domain?.data)) return;
      const reason = domain === undefined ? 'it needs an admin' : `it needs ${permission} permission`;
      throw refuse(operation, context, reason, { principal: principal.name, domain: domain?.name });
    },
  };
}

function principalOf(
  certificate: ClientCertificate | undefined,
  identities: readonly CertificateIdentity[],
): Principal | undefined {
  if (certificate === undefined || identities.length === 0) return undefined;
  const names = new Set(certificate.alternativeNames);
  if (certificate.commonName !== '') names.add(certificate.commonName);
  return identities.find(({ subject }) => names.has(subject))?.principal;
}
