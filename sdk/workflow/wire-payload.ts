// Payloads as they cross the sandbox boundary in JSON, to and from the converter's form.
import {
  decodeBase64,
  decodeFailure,
  decodeValues,
  type EncodedPayload,
  encodeBase64,
  encodeFailure,
  encodeResult,
  encodeValues,
  type WireFailure,
} from '../common/index.ts';
import type { WireFailureData, WirePayload } from './protocol.ts';

export function toWire(payload: EncodedPayload | undefined): WirePayload {
  if (payload === undefined) return null;
  return typeof payload === 'string' ? payload : { b64: encodeBase64(payload) };
}

export function fromWire(payload: WirePayload): EncodedPayload | undefined {
  if (payload === null) return undefined;
  return typeof payload === 'string' ? payload : decodeBase64(payload.b64);
}

export const wireArguments = (values: readonly unknown[]): WirePayload => toWire(encodeValues(values));
export const wireResult = (value: unknown): WirePayload => toWire(encodeResult(value));
export const readArguments = (payload: WirePayload): unknown[] => decodeValues(fromWire(payload));
export const readResult = (payload: WirePayload): unknown => readArguments(payload)[0];

export function wireFailure(error: unknown): WireFailureData {
  const failure: WireFailure = encodeFailure(error);
  return { reason: failure.reason, details: toWire(failure.details) };
}

export const readFailure = (data: WireFailureData) =>
  decodeFailure({ reason: data.reason, details: fromWire(data.details) });

export function wireFields(fields: Readonly<Record<string, unknown>> | undefined): Record<string, WirePayload> {
  return Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [name, wireArguments([value])]));
}

/** Search attributes are plain JSON without newline, whatever the converter. */
export function wireSearchAttributes(fields: Readonly<Record<string, unknown>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [name, JSON.stringify(value)]));
}
