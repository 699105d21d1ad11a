// An RPC in proto3 JSON: JSON → message by its descriptor → bytes → the handler that gRPC calls → bytes → message → JSON. The mapping is
// protobuf's canonical one, made by the protobuf library from the descriptors: int64 as strings, bytes in base64, enums by name.
import {
  create,
  fromBinary,
  fromJson,
  fromJsonString,
  type JsonObject,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { badRequest } from '#base';
import type { ByteCaller, CallContext } from '#rpc';
import type { ApiMethod, ApiSchema } from './api-schema.ts';
import { createPayloadForm } from './payload-json.ts';

/** `base64` is the canonical form; `json` shows the value of payloads (payload-json.ts). */
export type Payloads = 'base64' | 'json';

export interface JsonCalls {
  /** A request as JSON text; empty counts as {}. */
  callText(method: ApiMethod, text: string, payloads: Payloads, context: CallContext): Promise<JsonObject>;
  /** A request as a value, which is consumed; payloads in the readable form, both ways. */
  call(method: ApiMethod, request: JsonObject, context: CallContext): Promise<JsonObject>;
}

const ERROR_CHARS_MAX = 500;

export function createJsonCalls(schema: ApiSchema, callBytes: ByteCaller): JsonCalls {
  const { registry } = schema;
  const form = createPayloadForm();

  const encode = (method: ApiMethod, text: string, payloads: Payloads): Uint8Array => {
    const { input } = method.descriptor;
    if (text.trim() === '') return toBinary(input, create(input));
    if (payloads === 'json') return encodeValue(method, parse(text));
    // The text and not its value: a field that is given twice is refused, not overwritten.
    return decoding(() => toBinary(input, fromJsonString(input, text, { registry })));
  };
  const encodeValue = (method: ApiMethod, request: JsonValue): Uint8Array => {
    const { input } = method.descriptor;
    const canonical = form.fromReadable(input, request);
    return decoding(() => toBinary(input, fromJson(input, canonical, { registry })));
  };
  const decode = (method: ApiMethod, bytes: Uint8Array, payloads: Payloads): JsonObject => {
    const { output } = method.descriptor;
    const json = toJson(output, fromBinary(output, bytes), { registry });
    // Answers are messages of our own, none of them a well-known type with a form of its own.
    return (payloads === 'json' ? form.toReadable(output, json) : json) as JsonObject;
  };
  return {
    async callText(method, text, payloads, context) {
      const request = encode(method, text, payloads);
      return decode(method, await callBytes(method.path, request, context), payloads);
    },
    async call(method, request, context) {
      const bytes = encodeValue(method, request);
      return decode(method, await callBytes(method.path, bytes, context), 'json');
    },
  };
}

/** JSON text. @throws BadRequest saying where it ends to be JSON. */
export function parse(text: string): JsonValue {
  return decoding(() => JSON.parse(text) as JsonValue);
}

// Whatever these throw is about the caller's text: not JSON, an unknown field, a wrong type.
function decoding<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw badRequest(`The body is not valid: ${reason.slice(0, ERROR_CHARS_MAX)}`, { cause });
  }
}
