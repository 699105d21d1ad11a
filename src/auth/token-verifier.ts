// Verifies JWTs: signature by our own public key or by an identity provider's key set, algorithm from a short list, end and claims. What was
// verified is remembered until it ends (by a hash: tokens themselves are not kept), so that a call costs a lookup; a change of the keys
// forgets everything, so that a withdrawn key counts for nothing from then on.
// Cadence: common/authorization/oauthAuthorizer.go
import { createHash, type KeyObject } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, type JWTPayload, errors as joseErrors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Env } from '#env';
import type { Principal } from '#rpc';
import { type ClaimRules, claimsOf, TokenRefused, type VerifiedClaims } from './claims.ts';
import { publicKeyOf, type SigningAlgorithm } from './key-files.ts';
import { createFileKeySet, createUrlKeySet, type FetchText, type KeySet } from './key-sets.ts';
import { type WatchedFile, watchFile } from './watched-file.ts';

export interface TokenVerifierOptions extends ClaimRules {
  /** Longest time a token may still have to live. */
  readonly maxTtlSeconds: number;
  /** PEM file of our own key; empty: none. */
  readonly publicKeyFile: string;
  readonly publicKeyAlgorithm: SigningAlgorithm;
  readonly jwksFile: string;
  readonly jwksUrl: string;
  /** Of tokens of the provider; empty: any. */
  readonly issuer: string;
  readonly audience: string;
  readonly filePollMs?: number;
  readonly fetchText?: FetchText;
}

export interface TokenVerifier {
  /** At once for a token that was seen before. @throws TokenRefused saying what is wrong. */
  verify(token: string): Principal | Promise<Principal>;
  close(): void;
}

/** Issuer of tokens that are signed with our own key, in Cadence's clients as well. */
export const INTERNAL_ISSUER = 'internal-jwt';
const ALGORITHMS = ['RS256', 'ES256'];
const TOKEN_CHARS_MAX = 16_384;
const REMEMBERED_MAX = 10_000;
// Clocks of hosts differ a little.
const CLOCK_TOLERANCE_SECONDS = 5;

export function createTokenVerifier(options: TokenVerifierOptions, env: Env): TokenVerifier {
  return new JoseTokenVerifier(options, env);
}

class JoseTokenVerifier implements TokenVerifier {
  readonly #options: TokenVerifierOptions;
  readonly #env: Env;
  readonly #remembered = new LRUCache<string, VerifiedClaims>({ max: REMEMBERED_MAX });
  readonly #own: WatchedFile<KeyObject> | undefined;
  readonly #provider: KeySet | undefined;
  /** Of the keys: what was verified with older ones is not remembered. */
  #generation = 0;

  constructor(options: TokenVerifierOptions, env: Env) {
    this.#options = options;
    this.#env = env;
    const onChange = (): void => {
      this.#generation++;
      this.#remembered.clear();
    };
    const watch = { onChange, ...(options.filePollMs === undefined ? {} : { pollMs: options.filePollMs }) };
    const { publicKeyFile, publicKeyAlgorithm, jwksFile, jwksUrl, fetchText } = options;
    this.#own =
      publicKeyFile === ''
        ? undefined
        : watchFile(publicKeyFile, (pem) => publicKeyOf(pem, publicKeyAlgorithm), env, watch);
    if (jwksFile !== '') this.#provider = createFileKeySet(jwksFile, env, watch);
    else if (jwksUrl !== '') {
      this.#provider = createUrlKeySet(jwksUrl, env, { onChange, ...(fetchText === undefined ? {} : { fetchText }) });
    }
  }

  verify(token: string): Principal | Promise<Principal> {
    if (token === '') throw new TokenRefused('the call has no token');
    if (token.length > TOKEN_CHARS_MAX)
      throw new TokenRefused(`the token is longer than ${TOKEN_CHARS_MAX} characters`);
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.#remembered.get(key);
    if (known === undefined) return this.#verifyAnew(token, key);
    if (known.expiresMs > this.#env.clock.nowMs()) return known.principal;
    this.#remembered.delete(key);
    throw new TokenRefused('the token is expired');
  }

  close(): void {
    this.#own?.close();
    this.#provider?.close();
    this.#remembered.clear();
  }

  async #verifyAnew(token: string, key: string): Promise<Principal> {
    const generation = this.#generation;
    const nowMs = this.#env.clock.nowMs();
    const payload = await this.#payloadOf(token, nowMs);
    const claims = claimsOf(payload, this.#options, nowMs, this.#options.maxTtlSeconds);
    if (generation === this.#generation) this.#remembered.set(key, claims);
    return claims.principal;
  }

  async #payloadOf(token: string, nowMs: number): Promise<JWTPayload> {
    const { issuer, audience, publicKeyAlgorithm } = this.#options;
    const checks = {
      currentDate: new Date(nowMs),
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
    };
    try {
      if (this.#own !== undefined && isOwn(token)) {
        const algorithms = [publicKeyAlgorithm];
        return (await jwtVerify(token, this.#own.current(), { ...checks, algorithms })).payload;
      }
      const provider = this.#provider;
      if (provider === undefined) throw new TokenRefused('there is no key to verify the token with');
      const verified = await jwtVerify(token, (header, input) => provider.find(header, input), {
        ...checks,
        algorithms: ALGORITHMS,
        ...(issuer === '' ? {} : { issuer }),
        ...(audience === '' ? {} : { audience }),
      });
      return verified.payload;
    } catch (error) {
      if (error instanceof TokenRefused) throw error;
      throw new TokenRefused(reasonOf(error), { cause: error });
    }
  }
}

/** Signed with our own key: providers name the key, and do not issue as us. */
function isOwn(token: string): boolean {
  return decodeProtectedHeader(token).kid === undefined || decodeJwt(token).iss === INTERNAL_ISSUER;
}

// jose's texts name the check that failed and no part of the token.
const reasonOf = (error: unknown): string =>
  error instanceof joseErrors.JWTExpired ? 'the token is expired' : ((error as Error).message ?? 'it cannot be read');
