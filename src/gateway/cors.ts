// Which web pages may call: none but those served from the same host, unless the config names their origins. Pages of other origins are not only
// kept from reading answers (the browser does that), their requests are refused, so that a simple POST does nothing either. And a listener on
// loopback answers to loopback names only, so that a page cannot reach it by a name of its own that it rebinds to 127.0.0.1.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { accessDenied } from '#base';
import { HttpError } from './http-error.ts';

export interface OriginPolicy {
  /** Sets the headers of CORS. True when the request was a preflight, which is then answered. @throws HttpError */
  admit(request: IncomingMessage, response: ServerResponse): boolean;
}

export interface OriginOptions {
  /** `https://ops.example.com`; `*`: every page. */
  readonly origins: readonly string[];
  /** Host names to answer to, beside loopback's, when the listener is on loopback. Not checked elsewhere. */
  readonly allowedHosts: readonly string[];
  readonly onLoopback: boolean;
}

const ALLOWED_HEADERS =
  'authorization, content-type, grpc-timeout, x-timeout, idempotency-key, antiphon-payload, cadence-authorization, cadence-caller-type, ' +
  'cadence-client-name, cadence-client-feature-version, cadence-client-library-version, cadence-client-feature-flags, rpc-caller';
const PREFLIGHT_SECONDS = '600';

export function createOriginPolicy({ origins, allowedHosts, onLoopback }: OriginOptions): OriginPolicy {
  const known = new Set(origins);
  const hosts = new Set(['localhost', '127.0.0.1', '[::1]', ...allowedHosts.map((host) => host.toLowerCase())]);
  return {
    admit(request, response) {
      const host = (request.headers.host ?? '').toLowerCase();
      if (onLoopback && !hosts.has(host.replace(/:\d+$/, ''))) {
        throw new HttpError(
          421,
          accessDenied(`This server does not answer to the host ${JSON.stringify(host.slice(0, 200))}.`),
        );
      }
      response.setHeader('vary', 'origin');
      const { origin } = request.headers;
      if (origin === undefined || isSameHost(origin, host)) return false;
      if (!known.has('*') && !known.has(origin)) {
        throw new HttpError(
          403,
          accessDenied(`Pages of ${JSON.stringify(origin.slice(0, 200))} may not call this server.`),
        );
      }
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-expose-headers', 'location, retry-after');
      response.setHeader('cross-origin-resource-policy', 'cross-origin');
      if (request.method !== 'OPTIONS') return false;
      response.setHeader('access-control-allow-methods', 'GET, POST');
      response.setHeader('access-control-allow-headers', ALLOWED_HEADERS);
      response.setHeader('access-control-max-age', PREFLIGHT_SECONDS);
      response.writeHead(204).end();
      return true;
    },
  };
}

function isSameHost(origin: string, host: string): boolean {
  try {
    return new URL(origin).host === host;
  } catch {
    return false; // `null`, the origin of sandboxed pages, and nonsense.
  }
}
