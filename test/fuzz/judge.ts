// Is this an answer that a client may get (semantics §1.4)? Says what is wrong with it, or nothing.
import { status } from '@grpc/grpc-js';
import { isWaiting, type Planned } from './generate.ts';
import type { HttpAnswer } from './http-transport.ts';
import type { GrpcAnswer } from './transport.ts';

/** Stands in everything that a domain holds which no request may name: in no answer may it be. */
export const SECRET = 'sanctuary-secret';

const DETAILS: Readonly<Record<number, readonly string[]>> = {
  [status.INVALID_ARGUMENT]: ['', 'QueryFailedError'],
  [status.NOT_FOUND]: ['EntityNotExistsError', 'WorkflowExecutionAlreadyCompletedError'],
  [status.ALREADY_EXISTS]: [
    'WorkflowExecutionAlreadyStartedError',
    'DomainAlreadyExistsError',
    'CancellationAlreadyRequestedError',
  ],
  [status.RESOURCE_EXHAUSTED]: ['LimitExceededError', 'ServiceBusyError'],
  [status.FAILED_PRECONDITION]: ['ClientVersionNotSupportedError', 'FeatureNotEnabledError', 'DomainNotActiveError'],
};

/** UNKNOWN as the reference has it too, to the letter, each because clients of Cadence may count on it. */
const KNOWN_UNKNOWN: readonly RegExp[] = [
  /Activity cancel was not requested\.$/,
  /consistent query buffer is full, cannot accept new consistent queries$/,
  // Cut, where the domain's name is longer than a text may be.
  /Unable to ((schedule activity|schedule child execution) across domain|(signal|cancel) workflow across domain:) [\s\S]*(\.|…)$/,
  /Failed to add workflow execution started event\.$/,
  /Current branch of the workflow has changed, please read its history again\.$/,
];

/** What gRPC itself answers, by its own rules, to frames and headers that are none; the call never came to be. */
const FRAMING_FAULTS: readonly RegExp[] = [/^Failed to decompress message$/, /^Invalid grpc-timeout value "/];
const UNAVAILABLE: readonly RegExp[] = [
  // Region B of the fuzzed cluster is never there.
  /^No connection established\. Last error: Error: connect ECONNREFUSED 127\.0\.0\.1:9/,
  /^Shard \d+ (was closed and loads again|is not open yet), please retry: Shard \d+ was closed by an operator, please retry$/,
];
const TOO_LARGE = /^Received message (larger than max|that decompresses to a size larger)/;

const INSIDES = /\n\s+at |node:internal|\.[cm]?[jt]s:\d+|\/node_modules\/|SQLITE_|SqliteError/;
const MESSAGE_CHARS_MAX = 4100;

export function judgeGrpc(planned: Planned, answer: GrpcAnswer): string | undefined {
  if (answer.raw.some((bytes) => bytes.includes(SECRET))) return 'shows what a domain holds that was never named';
  const { kind } = planned;
  if (kind === 'cancel') return undefined;
  if (answer.isLate) return isPatient(planned) ? undefined : 'no answer, long after the deadline';
  const { code, message, details } = answer;
  const mayBeCutOff = kind === 'framing' || kind === 'metadata' || kind === 'deadline';
  if (code === undefined) {
    const isRefusedByHttp = answer.httpStatus >= 400 && answer.httpStatus < 500;
    return mayBeCutOff && (isRefusedByHttp || answer.reset !== undefined || kind === 'deadline')
      ? undefined
      : `ended without a status: HTTP ${answer.httpStatus}, ${answer.reset ?? 'no reset'}`;
  }
  if (INSIDES.test(message)) return `shows its insides: ${message.slice(0, 200)}`;
  if (message.length > MESSAGE_CHARS_MAX) return `a message of ${message.length} characters`;
  if (code === status.OK) return undecodable(planned, answer);
  // The text of a failed query is its worker's, also when that is none.
  if (message === '' && details[0] !== 'QueryFailedError') return `status ${code} without a message`;
  return wrongCode(planned, code, message) ?? wrongDetail(code, details, message);
}

/** Deadlines are drawn of which some are years away: nobody waits for those. */
const isPatient = ({ kind, method }: Planned): boolean => kind === 'deadline' && isWaiting(method);

function undecodable({ method }: Planned, { reply }: GrpcAnswer): string | undefined {
  try {
    method.decodeReply(reply);
    return undefined;
  } catch (error) {
    return `its reply does not decode: ${String(error)}`;
  }
}

/** Of an error that the log shows too. */
export const isKnownUnknown = (text: string): boolean => matches(KNOWN_UNKNOWN, text);

const matches = (patterns: readonly RegExp[], text: string): boolean => patterns.some((pattern) => pattern.test(text));

function wrongCode({ kind }: Planned, code: number, message: string): string | undefined {
  const shown = `status ${status[code]}: ${message.slice(0, 300)}`;
  switch (code) {
    case status.INTERNAL:
      return (kind === 'framing' || kind === 'deadline') && matches(FRAMING_FAULTS, message) ? undefined : shown;
    case status.UNKNOWN:
      return matches(KNOWN_UNKNOWN, message) ? undefined : shown;
    case status.UNAVAILABLE:
      return matches(UNAVAILABLE, message) ? undefined : shown;
    case status.CANCELLED:
      return kind === 'deadline' || kind === 'framing' || kind === 'metadata' ? undefined : shown;
    case status.DATA_LOSS:
    case status.ABORTED:
    case status.OUT_OF_RANGE:
      return shown;
    default:
      return undefined;
  }
}

function wrongDetail(code: number, details: readonly string[], message: string): string | undefined {
  if (details.length > 1) return `${details.length} details`;
  if (code === status.RESOURCE_EXHAUSTED && TOO_LARGE.test(message)) return undefined;
  const found = details[0] ?? '';
  const allowed = DETAILS[code] ?? [''];
  return allowed.includes(found)
    ? undefined
    : `status ${status[code]} with detail ${found || 'none'}: ${message.slice(0, 200)}`;
}

const NO_JSON_PATHS = new Set(['/', '//']);

export function judgeHttp(planned: Planned, answer: HttpAnswer): string | undefined {
  const request = planned.http;
  if (request === undefined) throw new Error('not an HTTP request');
  if (answer.body.includes(SECRET)) return 'shows what a domain holds that was never named';
  if (answer.isLate) return 'no answer, long after the deadline';
  if (answer.status === 0) return 'the connection ended without an answer';
  if (request.method === 'HEAD' || request.method === 'OPTIONS' || NO_JSON_PATHS.has(request.path)) {
    return answer.status >= 500 ? `status ${answer.status}` : undefined;
  }
  if (!/^application\/(json|x-ndjson)/.test(answer.contentType))
    return `status ${answer.status} as ${answer.contentType}`;
  let body: { code?: number; message?: string };
  try {
    body = JSON.parse(answer.body.toString()) as typeof body;
  } catch {
    return `status ${answer.status} with a body that is no JSON: ${answer.body.toString().slice(0, 200)}`;
  }
  if (answer.status < 400) return undefined;
  const { code = 0, message = '' } = body;
  if (INSIDES.test(message)) return `shows its insides: ${message.slice(0, 200)}`;
  if (message === '' && !answer.body.includes('QueryFailedError')) return `status ${answer.status} without a message`;
  return (
    wrongCode(planned, code, message) ??
    (answer.status === 500 && !matches(KNOWN_UNKNOWN, message) ? `status 500: ${message}` : undefined)
  );
}
