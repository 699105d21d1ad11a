// The keys of an identity provider: a JWK set in a file, or at a URL. The one at a URL is fetched on first need, again when a token names a key
// that it does not have (at most every 30 seconds, so that made-up key ids cost the provider nothing), and every ten minutes. A provider
// that is down leaves the last good set in use for some hours: tokens go on being verified, and its absence is logged once.
import {
  type CryptoKey,
  createLocalJWKSet,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
  errors as joseErrors,
} from 'jose';
import type { Env } from '#env';
import { watchFile } from './watched-file.ts';

export interface KeySet {
  find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey>;
  close(): void;
}

type LocalSet = ReturnType<typeof createLocalJWKSet>;

/** @throws when it is not a JWK set. */
function parseKeySet(content: Buffer | string): LocalSet {
  const value: unknown = JSON.parse(content.toString());
  // createLocalJWKSet checks the form.
  return createLocalJWKSet(value as JSONWebKeySet);
}

export function createFileKeySet(file: string, env: Env, options: { onChange: () => void; pollMs?: number }): KeySet {
  const watched = watchFile(file, parseKeySet, env, options);
  return { find: (header, token) => watched.current()(header, token), close: watched.close };
}

const FETCH_TIMEOUT_MS = 5_000;
const SET_BYTES_MAX = 1024 * 1024;
const REFRESH_MS = 10 * 60_000;
const RETRY_MS = 30_000;
const STALE_MS_MAX = 6 * 3600_000;

export type FetchText = (url: string) => Promise<string>;

/** A redirect is not followed: the keys are where the operator said. */
const fetchText: FetchText = async (url) => {
  const response = await fetch(url, {
    redirect: 'error',
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    headers: { accept: 'application/jwk-set+json, application/json' },
  });
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > SET_BYTES_MAX) throw new Error(`it is longer than ${SET_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

export function createUrlKeySet(
  url: string,
  env: Env,
  options: { onChange: () => void; fetchText?: FetchText },
): KeySet {
  return new UrlKeySet(url, env, options.onChange, options.fetchText ?? fetchText);
}

class UrlKeySet implements KeySet {
  readonly #url: string;
  readonly #env: Env;
  readonly #onChange: () => void;
  readonly #fetchText: FetchText;
  #set: LocalSet | undefined;
  #text = '';
  #fetchedMs = Number.NEGATIVE_INFINITY;
  #triedMs = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;
  #isDown = false;

  constructor(url: string, env: Env, onChange: () => void, fetchFrom: FetchText) {
    this.#url = url;
    this.#env = env;
    this.#onChange = onChange;
    this.#fetchText = fetchFrom;
  }

  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#set === undefined) await this.#refresh();
    else if (this.#ageMs() > STALE_MS_MAX) await this.#refresh();
    else if (this.#ageMs() > REFRESH_MS) void this.#refresh();
    try {
      return await this.#usable()(header, token);
    } catch (error) {
      if (!(error instanceof joseErrors.JWKSNoMatchingKey)) throw error;
      await this.#refresh();
      return this.#usable()(header, token);
    }
  }

  close(): void {
    this.#set = undefined;
  }

  #usable(): LocalSet {
    if (this.#set === undefined || this.#ageMs() > STALE_MS_MAX)
      throw new Error('the key set of the provider is not available');
    return this.#set;
  }

  #ageMs(): number {
    return this.#env.clock.monotonicMs() - this.#fetchedMs;
  }

  /** Never rejects; at most one fetch at a time, and none too soon after the last. */
  #refresh(): Promise<void> {
    const nowMs = this.#env.clock.monotonicMs();
    if (this.#fetching === undefined && nowMs - this.#triedMs >= RETRY_MS) {
      this.#triedMs = nowMs;
      this.#fetching = this.#fetch().finally(() => {
        this.#fetching = undefined;
      });
    }
    return this.#fetching ?? Promise.resolve();
  }

  async #fetch(): Promise<void> {
    try {
      const text = await this.#fetchText(this.#url);
      const set = parseKeySet(text);
      this.#fetchedMs = this.#env.clock.monotonicMs();
      if (this.#isDown) this.#env.logger.info('the key set is available again', { url: this.#url });
      this.#isDown = false;
      if (text === this.#text) return;
      this.#set = set;
      this.#text = text;
      this.#onChange();
    } catch (error) {
      if (!this.#isDown) {
        const reason = (error as Error).message;
        this.#env.logger.error('the key set cannot be fetched, the last one stays in use', { url: this.#url, reason });
      }
      this.#isDown = true;
    }
  }
}
