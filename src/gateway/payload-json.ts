// The convenience form of payloads for people with curl: where a message has a Payload, the JSON has the payload's own value instead of
// {"data": base64}. What is not one exact JSON value keeps its bytes:
//   {"@values": [...]}  several JSON values, a line each (how Go and TypeScript clients send several arguments)
//   {"@base64": "..."}  any other bytes: binary, numbers that JavaScript would round, and values that look like these two forms
// Invariant: what `toReadable` shows, `fromReadable` turns into a payload of the same values.
import type { DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { badRequest } from '#base';

const PAYLOAD = 'uber.cadence.api.v1.Payload';
const BASE64 = '@base64';
const VALUES = '@values';
const DEPTH_MAX = 200;

export interface PayloadForm {
  /** Canonical proto3 JSON of the message → the readable form. Changes `json` in place. */
  toReadable(message: DescMessage, json: JsonValue): JsonValue;
  /** The other way. @throws BadRequest naming the field whose value cannot be a payload. */
  fromReadable(message: DescMessage, json: JsonValue): JsonValue;
}

export function createPayloadForm(): PayloadForm {
  const fields = new Map<DescMessage, ReadonlyMap<string, DescField>>();
  const carriers = (message: DescMessage): ReadonlyMap<string, DescField> => {
    let found = fields.get(message);
    if (found === undefined) {
      found = carryingFields(message);
      fields.set(message, found);
    }
    return found;
  };
  const walk = (message: DescMessage, json: JsonValue, convert: Convert, path: string): JsonValue => {
    if (message.typeName === PAYLOAD) return convert(json, path);
    if (!isObject(json)) return json;
    for (const [key, field] of carriers(message)) {
      const value = Object.hasOwn(json, key) ? json[key] : undefined;
      const target = field.message;
      if (value === undefined || target === undefined) continue;
      const at = path === '' ? key : `${path}.${key}`;
      const one = (item: JsonValue, suffix: string): JsonValue => walk(target, item, convert, at + suffix);
      if (field.fieldKind === 'list') {
        if (Array.isArray(value)) json[key] = value.map((item, index) => one(item, `[${index}]`));
      } else if (field.fieldKind === 'map') {
        if (isObject(value)) json[key] = mapValues(value, one);
      } else {
        json[key] = one(value, '');
      }
    }
    return json;
  };
  return {
    toReadable: (message, json) => walk(message, json, readable, ''),
    fromReadable: (message, json) => walk(message, json, encoded, ''),
  };
}

type Convert = (json: JsonValue, path: string) => JsonValue;

/** The fields that are payloads or lead to some, by both of their names. */
function carryingFields(message: DescMessage): ReadonlyMap<string, DescField> {
  const found = new Map<string, DescField>();
  for (const field of message.fields) {
    if (field.message !== undefined && leadsToPayload(field.message, new Set())) {
      found.set(field.jsonName, field).set(field.name, field);
    }
  }
  return found;
}

function leadsToPayload(message: DescMessage, seen: Set<DescMessage>): boolean {
  if (message.typeName === PAYLOAD) return true;
  if (seen.has(message)) return false;
  seen.add(message);
  return message.fields.some((field) => field.message !== undefined && leadsToPayload(field.message, seen));
}

function mapValues(json: JsonObject, convert: (value: JsonValue, suffix: string) => JsonValue): JsonObject {
  // No prototype: a key may be named __proto__.
  const result: JsonObject = Object.create(null);
  for (const [key, value] of Object.entries(json)) result[key] = convert(value, `.${key}`);
  return result;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** The value that the bytes of a payload are, in the forms above. */
export function readableBytes(bytes: Uint8Array): JsonValue {
  const raw: JsonValue = { [BASE64]: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') };
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    return raw; // Not text.
  }
  const value = parsed(text);
  if (value !== undefined) return isExact(value, 0) && !isMarked(value) ? value : raw;
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const values = lines.map(parsed);
  return values.length > 1 && values.every((item) => item !== undefined && isExact(item, 0))
    ? { [VALUES]: values as JsonValue[] }
    : raw;
}

function readable(json: JsonValue): JsonValue {
  const data = isObject(json) ? json.data : undefined;
  return readableBytes(Buffer.from(typeof data === 'string' ? data : '', 'base64'));
}

function encoded(json: JsonValue, path: string): JsonValue {
  if (isObject(json) && isMarked(json)) {
    const { [BASE64]: base64, [VALUES]: values } = json;
    // Whether it is base64 is checked where the message is decoded.
    if (typeof base64 === 'string') return { data: base64 };
    if (Array.isArray(values)) return asData(values.map((value) => `${textOf(value, path)}\n`).join(''));
    throw badRequest(`${path}: ${BASE64} must be a string and ${VALUES} a list.`);
  }
  return asData(textOf(json, path));
}

function textOf(value: JsonValue, path: string): string {
  if (!isExact(value, 0)) {
    throw badRequest(
      `${path} cannot be a payload as it is: it has an integer beyond 2^53, which would be rounded, ` +
        `or is nested deeper than ${DEPTH_MAX}. ` +
        `Send its bytes as {"${BASE64}": "…"}.`,
    );
  }
  return JSON.stringify(value);
}

const asData = (text: string): JsonValue => ({ data: Buffer.from(text).toString('base64') });

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined; // Not one JSON value.
  }
}

/** False for numbers that parsing has rounded, or may have, and for what is nested too deep to be worth a look. */
function isExact(value: JsonValue, depth: number): boolean {
  if (typeof value === 'number')
    return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= DEPTH_MAX) return false;
  const items = Array.isArray(value) ? value : Object.values(value);
  return items.every((item) => isExact(item, depth + 1));
}

const isObject = (json: JsonValue | undefined): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** An object that is one of the two forms, or looks like one. */
function isMarked(json: JsonValue): boolean {
  if (!isObject(json)) return false;
  const keys = Object.keys(json);
  return keys.length === 1 && (keys[0] === BASE64 || keys[0] === VALUES);
}
