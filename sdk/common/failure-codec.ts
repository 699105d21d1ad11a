// Errors to Cadence's Failure{reason, details} and back. Reasons are what retry policies match, so they stay what the user
// named; details keep message, stack and cause in a form that other SDKs show or ignore.
// Invariant: decodeFailure(encodeFailure(f)) has the type, message and details of f.
import { decodeValues, type EncodedPayload, encodeJsonLine, encodeValues } from './data-converter.ts';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  type Failure,
  PanicFailure,
  TimeoutFailure,
  type TimeoutKind,
} from './failures.ts';
import { NON_RETRYABLE_REASON } from './retry-policy.ts';
import { decodeUtf8 } from './text-bytes.ts';

const GENERIC = 'cadenceInternal:Generic';
const PANIC = 'cadenceInternal:Panic';
const CANCELED = 'cadenceInternal:Canceled';
const TIMEOUT = 'cadenceInternal:Timeout';
/** Key of the trailing value that keeps message and stack beside the user's details. Other SDKs ignore extra values. */
const TRAILER = '__antiphon';

export interface WireFailure {
  readonly reason: string;
  readonly details: EncodedPayload | undefined;
}

interface ErrorRecord {
  readonly message?: unknown;
  readonly stack?: unknown;
  readonly type?: unknown;
  readonly details?: unknown;
  /** Java's Throwable. */
  readonly detailMessage?: unknown;
}

function isErrorLike(error: unknown): error is Error {
  return typeof error === 'object' && error !== null && 'message' in error;
}

function recordOf(error: Error): Record<string, unknown> {
  const cause = isErrorLike(error.cause) ? { name: error.cause.name, message: error.cause.message } : undefined;
  return { message: error.message, stack: error.stack, ...(cause ? { cause } : {}) };
}

function encodeApplicationFailure(failure: ApplicationFailure): WireFailure {
  const record = recordOf(failure);
  if (failure.nonRetryable) {
    const details = encodeJsonLine({ type: failure.type, ...record, details: failure.details });
    return { reason: NON_RETRYABLE_REASON, details };
  }
  if (failure.details.length > 0) {
    const details = failure.details.map(encodeJsonLine).join('') + encodeJsonLine({ [TRAILER]: record });
    return { reason: failure.type ?? GENERIC, details };
  }
  if (failure.type === undefined) return { reason: GENERIC, details: failure.message };
  return { reason: failure.type, details: encodeJsonLine(record) };
}

/** Any thrown value as it is reported to the service. */
export function encodeFailure(error: unknown): WireFailure {
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) return encodeFailure(error.cause);
  if (error instanceof ApplicationFailure) return encodeApplicationFailure(error);
  if (error instanceof CancelledFailure) return { reason: CANCELED, details: encodeValues(error.details) };
  if (error instanceof TimeoutFailure) {
    return { reason: `${TIMEOUT} ${error.timeoutType}`, details: encodeValues(error.details) };
  }
  if (error instanceof PanicFailure)
    return { reason: PANIC, details: encodeValues([error.message, error.remoteStack]) };
  if (!isErrorLike(error)) return { reason: GENERIC, details: String(error) };
  if (!error.name || error.name === 'Error') return { reason: GENERIC, details: error.message };
  return { reason: error.name, details: encodeJsonLine(recordOf(error)) };
}

function asText(payload: EncodedPayload | undefined): string {
  if (payload === undefined) return '';
  return typeof payload === 'string' ? payload : (decodeUtf8(payload) ?? '');
}

function asRecord(value: unknown): ErrorRecord | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as ErrorRecord) : undefined;
}

function textOf(...candidates: unknown[]): string | undefined {
  return candidates.find((candidate): candidate is string => typeof candidate === 'string' && candidate !== '');
}

function decodeNonRetryable(values: readonly unknown[]): ApplicationFailure {
  const record = asRecord(values[0]) ?? {};
  return new ApplicationFailure(textOf(record.message) ?? 'non-retryable failure', {
    type: textOf(record.type),
    details: Array.isArray(record.details) ? record.details : [],
    nonRetryable: true,
  });
}

function decodeApplicationFailure(type: string | undefined, wire: WireFailure): ApplicationFailure {
  const values = decodeValues(wire.details);
  const trailer = asRecord(asRecord(values.at(-1))?.[TRAILER as keyof ErrorRecord]);
  if (trailer)
    return new ApplicationFailure(textOf(trailer.message) ?? wire.reason, { type, details: values.slice(0, -1) });
  const record = values.length === 1 ? asRecord(values[0]) : undefined;
  const message = textOf(record?.message, record?.detailMessage);
  if (message !== undefined) {
    // Only what this SDK wrote has exactly these keys; of others (Java, Go structs) the details are kept.
    const isOwn = Object.keys(record ?? {}).every((key) => ['message', 'stack', 'cause'].includes(key));
    return new ApplicationFailure(message, { type, details: isOwn ? [] : values });
  }
  return new ApplicationFailure(wire.reason, { type, details: values });
}

/** The failure that a wire failure of any SDK stands for. */
export function decodeFailure(wire: WireFailure): Failure {
  const { reason, details } = wire;
  if (reason === NON_RETRYABLE_REASON) return decodeNonRetryable(decodeValues(details));
  if (reason === CANCELED) return new CancelledFailure('cancelled', decodeValues(details));
  if (reason.startsWith(TIMEOUT)) {
    const kind = reason.slice(TIMEOUT.length).trim() as TimeoutKind;
    return new TimeoutFailure(kind || 'START_TO_CLOSE', decodeValues(details));
  }
  if (reason === PANIC) {
    const [message, stack] = decodeValues(details);
    return new PanicFailure(String(message ?? 'panic'), String(stack ?? ''));
  }
  if (reason !== GENERIC) return decodeApplicationFailure(reason, wire);
  const text = asText(details);
  return text.includes(`{"${TRAILER}":`) ? decodeApplicationFailure(undefined, wire) : new ApplicationFailure(text);
}
