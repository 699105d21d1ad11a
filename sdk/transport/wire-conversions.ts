// Small conversions between the wire's messages and the SDK's plain forms: payloads, failures, durations, times, ids.
import { isUtf8 } from 'node:buffer';
import { type Failure, type Header, type Memo, type Payload, type RetryPolicy, TimeoutType } from '@antiphon/proto';
import type { Duration, Timestamp } from '@antiphon/proto/google';
import {
  decodeFailure,
  type EncodedPayload,
  encodeFailure,
  type Failure as SdkFailure,
  type TimeoutKind,
  type WireRetryPolicy,
} from '../common/index.ts';
import type { WireFailureData, WirePayload } from '../workflow/protocol.ts';

/** A view, not a copy. */
export const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function payloadOf(encoded: EncodedPayload | undefined): Payload | undefined {
  if (encoded === undefined) return undefined;
  return { data: typeof encoded === 'string' ? Buffer.from(encoded, 'utf8') : Buffer.from(encoded) };
}

export function encodedOf(payload: Payload | undefined): EncodedPayload | undefined {
  if (payload === undefined || payload.data.length === 0) return undefined;
  return isUtf8(payload.data) ? bufferOf(payload.data).toString('utf8') : new Uint8Array(payload.data);
}

export function toSandbox(payload: Payload | undefined): WirePayload {
  if (payload === undefined) return null;
  return isUtf8(payload.data)
    ? bufferOf(payload.data).toString('utf8')
    : { b64: bufferOf(payload.data).toString('base64') };
}

export function fromSandbox(payload: WirePayload): Payload | undefined {
  if (payload === null) return undefined;
  return { data: typeof payload === 'string' ? Buffer.from(payload, 'utf8') : Buffer.from(payload.b64, 'base64') };
}

export function headerMessage(fields: Readonly<Record<string, string>> | undefined): Header | undefined {
  if (fields === undefined) return undefined;
  const entries = Object.entries(fields).map(([name, text]) => [name, { data: Buffer.from(text, 'utf8') }]);
  return { fields: Object.fromEntries(entries) };
}

export function failureToSandbox(failure: Failure | undefined): WireFailureData {
  if (!failure) return { reason: 'cadenceInternal:Generic', details: '' };
  return {
    reason: failure.reason,
    details: failure.details.length === 0 ? null : toSandbox({ data: failure.details }),
  };
}

export function failureFromSandbox(failure: WireFailureData): Failure {
  return { reason: failure.reason, details: fromSandbox(failure.details)?.data ?? Buffer.alloc(0) };
}

/** A thrown value as the wire's failure. */
export function failureMessageOf(error: unknown): Failure {
  const wire = encodeFailure(error);
  return { reason: wire.reason, details: payloadOf(wire.details)?.data ?? Buffer.alloc(0) };
}

export function failureOfMessage(failure: Failure | undefined): SdkFailure {
  const details = failure ? encodedOf({ data: failure.details }) : undefined;
  return decodeFailure({ reason: failure?.reason ?? 'cadenceInternal:Generic', details });
}

export function fieldsFromSandbox(fields: Readonly<Record<string, WirePayload>>): Memo | undefined {
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    fromSandbox(value) ?? { data: Buffer.alloc(0) },
  ]);
  return entries.length === 0 ? undefined : { fields: Object.fromEntries(entries) as Record<string, Payload> };
}

export function fieldsToSandbox(fields: Readonly<Record<string, Payload>> | undefined): Record<string, WirePayload> {
  return Object.fromEntries(Object.entries(fields ?? {}).map(([name, payload]) => [name, toSandbox(payload)]));
}

/** A whole-second Duration; zero is absent. */
export function durationMessage(seconds: number): Duration | undefined {
  return seconds > 0 ? { seconds: BigInt(seconds), nanos: 0 } : undefined;
}

export const secondsOf = (duration: Duration | undefined): number => (duration ? Number(duration.seconds) : 0);

export const durationMsOf = (duration: Duration | undefined): number =>
  duration ? Number(duration.seconds) * 1000 + duration.nanos / 1e6 : 0;

export const timeMsOf = (time: Timestamp | undefined): number =>
  time ? Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6) : 0;

export function retryMessage(policy: WireRetryPolicy | null | undefined): RetryPolicy | undefined {
  if (!policy) return undefined;
  return {
    initialInterval: durationMessage(policy.initialSeconds),
    backoffCoefficient: policy.backoffCoefficient,
    maximumInterval: durationMessage(policy.maximumSeconds),
    maximumAttempts: policy.maximumAttempts,
    nonRetryableErrorReasons: [...policy.nonRetryableReasons],
    expirationInterval: durationMessage(policy.expirationSeconds),
  };
}

export function timeoutKindOf(type: TimeoutType): TimeoutKind {
  if (type === TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START) return 'SCHEDULE_TO_START';
  if (type === TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE) return 'SCHEDULE_TO_CLOSE';
  return type === TimeoutType.TIMEOUT_TYPE_HEARTBEAT ? 'HEARTBEAT' : 'START_TO_CLOSE';
}
