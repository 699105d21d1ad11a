// Makes tokens: for `antiphon auth token`, for tools that hold a private key, and for calls between regions. The claims are those of Cadence's
// clients, its older capitalised ones included, so that a Cadence server takes our tokens and we take its.
import { readFileSync } from 'node:fs';
import { SignJWT } from 'jose';
import type { Env } from '#env';
import type { Principal } from '#rpc';
import { privateKeyOf } from './key-files.ts';
import { INTERNAL_ISSUER } from './token-verifier.ts';
import { watchFile } from './watched-file.ts';

export interface TokenRequest {
  readonly subject: string;
  readonly groups: readonly string[];
  readonly admin: boolean;
  readonly ttlSeconds: number;
}

type PrivateKey = ReturnType<typeof privateKeyOf>;

export async function signToken({ key, algorithm }: PrivateKey, request: TokenRequest, nowMs: number): Promise<string> {
  const { subject, groups, admin, ttlSeconds } = request;
  const issuedAt = Math.floor(nowMs / 1000);
  return new SignJWT({
    Name: subject,
    ...(groups.length > 0 ? { Groups: groups.join(' ') } : {}),
    ...(admin ? { Admin: true } : {}),
    TTL: ttlSeconds,
  })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
    .setIssuer(INTERNAL_ISSUER)
    .setSubject(subject)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttlSeconds)
    .sign(key);
}

/** Signs with the key of a PEM file. */
export async function signTokenWithFile(file: string, request: TokenRequest, nowMs: number): Promise<string> {
  return signToken(readPrivateKey(file), request, nowMs);
}

function readPrivateKey(file: string): PrivateKey {
  try {
    return privateKeyOf(readFileSync(file));
  } catch (cause) {
    throw new Error(`${file} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

/** Tokens of this region for calls to others. */
export interface RegionTokens {
  /** As the region itself, an admin: replication and system work. */
  own(): Promise<string>;
  /** For a forwarded call of somebody who has no token to pass on: he stays who he is. */
  onBehalfOf(principal: Principal): Promise<string>;
  close(): void;
}

const OWN_TTL_SECONDS = 600;
const BEHALF_TTL_SECONDS = 60;

export function createRegionTokens(privateKeyFile: string, cluster: string, env: Env): RegionTokens {
  let cached: { readonly token: Promise<string>; readonly untilMs: number } | undefined;
  const renew = (): void => {
    cached = undefined;
  };
  const watched = watchFile(privateKeyFile, privateKeyOf, env, { onChange: renew });
  return {
    own() {
      const nowMs = env.clock.nowMs();
      if (cached === undefined || cached.untilMs <= nowMs) {
        const request = { subject: `cluster:${cluster}`, groups: [], admin: true, ttlSeconds: OWN_TTL_SECONDS };
        cached = { token: signToken(watched.current(), request, nowMs), untilMs: nowMs + (OWN_TTL_SECONDS * 1000) / 2 };
      }
      return cached.token;
    },
    onBehalfOf: ({ name, isAdmin, groups }) =>
      signToken(
        watched.current(),
        { subject: name, groups, admin: isAdmin, ttlSeconds: BEHALF_TTL_SECONDS },
        env.clock.nowMs(),
      ),
    close: watched.close,
  };
}
