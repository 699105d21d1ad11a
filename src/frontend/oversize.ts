// Answers of activities that are larger than a blob may be (semantics §1.10). Refusing them would make the worker retry for ever, so the
// activity fails instead, with a reason that says why and as much of the answer as fits.
import type { Failure, Payload } from '@antiphon/proto';
import type { Limits } from '#core';
import { payloadSize } from './request-checks.ts';

export type OversizeReason =
  | 'COMPLETE_RESULT_EXCEEDS_LIMIT'
  | 'FAILURE_DETAILS_EXCEEDS_LIMIT'
  | 'CANCEL_DETAILS_EXCEEDS_LIMIT'
  | 'HEARTBEAT_EXCEEDS_LIMIT';

/** The failure that an oversize payload becomes; undefined when it fits. */
export function oversizeFailure(
  payload: Payload | undefined,
  reason: OversizeReason,
  limits: Limits,
): Failure | undefined {
  if (payload === undefined || payloadSize(payload) <= limits.blobSizeBytesMax) return undefined;
  return { reason, details: payload.data.subarray(0, limits.blobSizeBytesMax) };
}

export function truncatedPayload(payload: Payload | undefined, limits: Limits): Payload | undefined {
  if (payload === undefined || payloadSize(payload) <= limits.blobSizeBytesMax) return payload;
  return { data: payload.data.subarray(0, limits.blobSizeBytesMax) };
}
