// From a verified token's payload to whom it stands for. The claims are Cadence's: name, groups (names separated by spaces, or a list),
// admin, and ttl with iat, an older way to say exp. Claim names count in any case, as Go reads them; one given in two spellings is refused.
import type { JWTPayload } from 'jose';
import type { Principal } from '#rpc';
import { groupNames } from './domain-groups.ts';

export interface ClaimRules {
  /** Names joined by dots; empty: `groups`. */
  readonly groupsAttributePath: string;
  /** Names joined by dots; empty: `admin`. */
  readonly adminAttributePath: string;
}

export interface VerifiedClaims {
  readonly principal: Principal;
  readonly expiresMs: number;
}

/** What is wrong with a token. The text is for the server's log: the caller is only told that he is not authorized. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

const GROUPS_MAX = 1000;

export function claimsOf(payload: JWTPayload, rules: ClaimRules, nowMs: number, ttlSecondsMax: number): VerifiedClaims {
  const admin = claimAt(payload, rules.adminAttributePath || 'admin');
  if (admin !== undefined && typeof admin !== 'boolean') throw new TokenRefused('the claim admin is not true or false');
  const principal: Principal = {
    name: nameOf(payload),
    isAdmin: admin === true,
    groups: groupsOf(claimAt(payload, rules.groupsAttributePath || 'groups')),
  };
  return { principal, expiresMs: expiryOf(payload, nowMs, ttlSecondsMax) };
}

function nameOf(payload: JWTPayload): string {
  const name = claimAt(payload, 'name');
  if (typeof name === 'string' && name !== '') return name;
  return payload.sub !== undefined && payload.sub !== '' ? payload.sub : (payload.iss ?? 'unnamed');
}

function groupsOf(value: unknown): readonly string[] {
  if (value === undefined) return [];
  const names = typeof value === 'string' ? groupNames(value) : value;
  if (!Array.isArray(names) || names.some((name) => typeof name !== 'string')) {
    throw new TokenRefused('the claim groups is neither text nor a list of names');
  }
  if (names.length > GROUPS_MAX) throw new TokenRefused(`the token has more than ${GROUPS_MAX} groups`);
  return names.filter((name: string) => name !== '');
}

/** `ttl` counts from `iat`; with an `exp` too, the earlier end counts. */
function expiryOf(payload: JWTPayload, nowMs: number, ttlSecondsMax: number): number {
  const ttl = claimAt(payload, 'ttl');
  if (ttl !== undefined && typeof ttl !== 'number') throw new TokenRefused('the claim ttl is not a number');
  const ends: number[] = [];
  if (payload.exp !== undefined) ends.push(payload.exp);
  if (ttl !== undefined && ttl > 0) {
    if (payload.iat === undefined) throw new TokenRefused('the token has a ttl and no iat');
    ends.push(payload.iat + ttl);
  }
  if (ends.length === 0) throw new TokenRefused('the token has no exp');
  const expiresMs = Math.min(...ends) * 1000;
  if (!(expiresMs > nowMs)) throw new TokenRefused('the token is expired');
  const leftSeconds = Math.floor((expiresMs - nowMs) / 1000);
  if (leftSeconds > ttlSecondsMax) {
    throw new TokenRefused(`the token lives for ${leftSeconds} s more, and at most ${ttlSecondsMax} s are allowed`);
  }
  return expiresMs;
}

function claimAt(payload: Readonly<Record<string, unknown>>, path: string): unknown {
  let value: unknown = payload;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = ownValue(value as Readonly<Record<string, unknown>>, name);
  }
  return value;
}

function ownValue(fields: Readonly<Record<string, unknown>>, name: string): unknown {
  const wanted = name.toLowerCase();
  const keys = Object.keys(fields).filter((key) => key.toLowerCase() === wanted);
  if (keys.length > 1) throw new TokenRefused(`the claim ${name} is given twice`);
  return keys[0] === undefined ? undefined : fields[keys[0]];
}
