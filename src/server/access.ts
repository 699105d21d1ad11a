// Authentication and authorization of a server process from its config, and the tokens with which it calls other regions.
import {
  type AccessControl,
  createAccessControl,
  createRegionTokens,
  createTokenVerifier,
  type RegionTokens,
  type TokenVerifier,
} from '#auth';
import type { ServerConfig } from '#config';
import type { Env } from '#env';
import { isLoopbackAddress } from '#rpc';

export interface Access {
  /** undefined: calls are not authenticated. */
  readonly control: AccessControl | undefined;
  /** undefined: there is no key to sign with. */
  readonly tokens: RegionTokens | undefined;
  close(): void;
}

export function createAccess(config: ServerConfig, env: Env): Access {
  const { privateKey } = config.cluster.authorizationProvider;
  const tokens = privateKey === '' ? undefined : createRegionTokens(privateKey, config.cluster.current, env);
  const { oauthAuthorizer: oauth, certificates } = config.authorization;
  warnOfOpenDoors(config, env, tokens !== undefined);
  if (!oauth.enable) return { control: undefined, tokens, close: () => tokens?.close() };
  const verifier: TokenVerifier = createTokenVerifier(
    {
      maxTtlSeconds: oauth.maxJwtTTL,
      publicKeyFile: oauth.jwtCredentials.publicKey,
      publicKeyAlgorithm: oauth.jwtCredentials.algorithm,
      jwksFile: oauth.provider.jwksFile,
      jwksUrl: oauth.provider.jwksURL,
      groupsAttributePath: oauth.provider.groupsAttributePath,
      adminAttributePath: oauth.provider.adminAttributePath,
      issuer: oauth.issuer,
      audience: oauth.audience,
    },
    env,
  );
  const control = createAccessControl({
    env,
    verifier,
    certificates: certificates.map(({ subject, name = subject, groups = [], admin = false }) => ({
      subject,
      principal: { name, groups, isAdmin: admin },
    })),
  });
  return {
    control,
    tokens,
    close() {
      verifier.close();
      tokens?.close();
    },
  };
}

function warnOfOpenDoors(config: ServerConfig, env: Env, signsTokens: boolean): void {
  const { frontend, http, authorization, cluster } = config;
  const isOpen = [frontend.address, http.address].some((address) => address !== '' && !isLoopbackAddress(address));
  const { enable } = authorization.oauthAuthorizer;
  if (isOpen && !enable && frontend.insecure) {
    env.logger.warn('calls are not authenticated, and other machines can make them (frontend.insecure: true)', {
      address: frontend.address,
    });
  }
  if (isOpen && enable && !frontend.tls.enabled) {
    env.logger.warn('tokens come over plain text: whoever listens on the network can take them (frontend.tls)', {
      address: frontend.address,
    });
  }
  const others = Object.keys(cluster.members).length > 1;
  const provesItself = signsTokens || authorization.certificates.some(({ admin }) => admin);
  if (enable && others && !provesItself) {
    env.logger.warn('calls to other regions carry no token (cluster.authorizationProvider.privateKey)', {});
  }
}
