// Errors as HTTP answers: the body is google.rpc.Status in JSON, code, message and Cadence's error details as in gRPC; the HTTP status
// follows from the code by the table of google.rpc.Code. Faults of HTTP itself (no such path, body too large) have a status of their own.
import { fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf';
import { badRequest, type ServiceError, unimplemented } from '#base';
import { encodeStatus } from '#rpc';
import type { ApiSchema } from './api-schema.ts';

/** An error that knows its HTTP status and headers. */
export class HttpError extends Error {
  readonly status: number;
  /** What the body says. */
  readonly error: ServiceError;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, error: ServiceError, headers: Readonly<Record<string, string>> = {}) {
    super(error.message, { cause: error });
    this.name = 'HttpError';
    this.status = status;
    this.error = error;
    this.headers = headers;
  }
}

export const notFound = (path: string): HttpError =>
  new HttpError(
    404,
    unimplemented(`Nothing is served at ${path.slice(0, 200)}. The paths are listed at / and in /openapi.json.`),
  );

export const methodNotAllowed = (method: string, allowed: readonly string[]): HttpError =>
  new HttpError(405, unimplemented(`${method.slice(0, 20)} is not served here, but ${allowed.join(', ')}.`), {
    allow: [...allowed, 'OPTIONS'].join(', '),
  });

export const unsupportedMediaType = (message: string, headers: Readonly<Record<string, string>> = {}): HttpError =>
  new HttpError(415, badRequest(message), headers);

export const bodyTooLarge = (limitBytes: number): HttpError =>
  new HttpError(413, badRequest(`The body is larger than ${limitBytes} bytes.`));

// By google.rpc.Code.
const STATUSES: readonly number[] = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];
const RESOURCE_EXHAUSTED = 8;
const BUSY_RETRY_SECONDS = '1';

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonValue;
}

export type ErrorRenderer = (error: unknown) => ErrorAnswer;

export function createErrorRenderer({ registry, message }: ApiSchema): ErrorRenderer {
  const type = message('google.rpc.Status');
  return (thrown) => {
    const http = thrown instanceof HttpError ? thrown : undefined;
    const status = fromBinary(type, encodeStatus(http?.error ?? thrown)) as unknown as { code: number };
    const body = toJson(type, status as never, { registry });
    const busy = status.code === RESOURCE_EXHAUSTED ? { 'retry-after': BUSY_RETRY_SECONDS } : {};
    return { status: http?.status ?? STATUSES[status.code] ?? 500, headers: { ...busy, ...http?.headers }, body };
  };
}
