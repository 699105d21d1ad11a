// Values to payload bytes and back, in the form of Cadence's Go client: each value is compact JSON followed by a newline,
// no values at all are an absent payload, and one lone Uint8Array passes through raw. A payload is text wherever it is
// valid JSON, so that it can cross into the sandbox as a string.
// Invariant: what encodeValues writes, a Go worker can read with the same number of arguments.
import { parseJsonValues } from './json-values.ts';
import { encodeBase64, encodeUtf8, isBytes } from './text-bytes.ts';

/** Text is UTF-8 on the wire; bytes are sent as they are. Absent payloads are `undefined`. */
export type EncodedPayload = string | Uint8Array;

function jsonReplacer(this: unknown, key: string, value: unknown): unknown {
  // Buffer's toJSON has run already, so the original is read from its holder.
  const original = (this as Record<string, unknown>)[key];
  if (isBytes(original)) return encodeBase64(original);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`cannot send ${value}: JSON has no such number`);
  }
  if (typeof value === 'bigint') throw new TypeError('cannot send a bigint: send it as a string or a safe number');
  return value;
}

/** One JSON value and its newline. `undefined` becomes null, so that later arguments keep their place. */
export function encodeJsonLine(value: unknown): string {
  const text = JSON.stringify(value, jsonReplacer) as string | undefined;
  return `${text ?? 'null'}\n`;
}

/** An argument list as one payload. */
export function encodeValues(values: readonly unknown[]): EncodedPayload | undefined {
  if (values.length === 0) return undefined;
  if (values.length === 1 && isBytes(values[0])) return values[0];
  return values.map(encodeJsonLine).join('');
}

/** A function's result: nothing returned is an absent payload, as from a Go function that returns only an error. */
export function encodeResult(value: unknown): EncodedPayload | undefined {
  return value === undefined ? undefined : encodeValues([value]);
}

/** The values of a payload. What is not JSON comes back as one Uint8Array (Go's lone []byte). */
export function decodeValues(payload: EncodedPayload | undefined): unknown[] {
  if (payload === undefined || payload.length === 0) return [];
  if (typeof payload !== 'string') return [payload];
  try {
    return parseJsonValues(payload);
  } catch (error) {
    if (error instanceof SyntaxError) return [encodeUtf8(payload)];
    throw error;
  }
}

export function decodeResult(payload: EncodedPayload | undefined): unknown {
  return decodeValues(payload)[0];
}
