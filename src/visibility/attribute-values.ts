// Values of attributes: from a query's literals, and from the JSON payloads that workflows set.
import type { SearchAttributes } from '@antiphon/proto';
import { closeStatusOfName, executionStatusOfName } from './close-status.ts';
import type { AttributeValue } from './condition.ts';
import type { Literal } from './query/ast.ts';
import { relativeTimeMs } from './query/relative-time.ts';
import type { AttributeValues, SearchAttribute, SearchAttributeRegistry } from './search-attributes.ts';

const RFC3339 = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2}))?$/;
const INTEGER = /^[+-]?\d+$/;
const NANOS_PER_MILLISECOND = 1e6;

function timeOfText(text: string): number | undefined {
  if (INTEGER.test(text)) return Number(text) / NANOS_PER_MILLISECOND;
  if (!RFC3339.test(text)) return undefined;
  const timeMs = Date.parse(text.replace(' ', 'T').toUpperCase());
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

function numberOfText(text: string): number | undefined {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) ? undefined : value;
}

function integerOfText(text: string): number | undefined {
  const value = numberOfText(text);
  return value !== undefined && Number.isInteger(value) ? value : undefined;
}

function boolOfText(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === '1') return true;
  return lower === 'false' || lower === '0' ? false : undefined;
}

function statusOfText(text: string): number | undefined {
  const value = integerOfText(text);
  if (value === undefined) return closeStatusOfName(text);
  return value >= 0 && value <= 5 ? value : undefined;
}

const VALUE_OF_TEXT: Readonly<Record<AttributeValues, (text: string) => AttributeValue | undefined>> = {
  keyword: (text) => text,
  text: (text) => text,
  int: integerOfText,
  double: numberOfText,
  bool: boolOfText,
  time: timeOfText,
  status: statusOfText,
};

const EXPECTED: Readonly<Record<AttributeValues, string>> = {
  keyword: 'a string',
  text: 'a string',
  int: 'a whole number',
  double: 'a number',
  bool: 'true or false',
  time: 'a time: RFC 3339 such as "2026-01-31T12:00:00Z", unix nanoseconds, or as far from now as "now() - 1h"',
  status: '0 to 5 or one of COMPLETED, FAILED, CANCELED, TERMINATED, CONTINUED_AS_NEW, TIMED_OUT',
};

/** The literal as a value of the attribute, or what was expected instead. */
export function valueOfLiteral(
  attribute: SearchAttribute,
  literal: Literal,
  nowMs: number,
): { readonly value: AttributeValue } | { readonly expected: string } {
  if (attribute.name === 'ExecutionStatus') {
    const status = executionStatusOfName(literal.text);
    if (status === undefined) return { expected: '0 to 7, PENDING, STARTED or the name of a close status' };
    return { value: status };
  }
  const isRelative = literal.kind === 'relative' || (attribute.values === 'time' && literal.kind === 'string');
  const relativeMs = isRelative ? relativeTimeMs(literal.text, nowMs) : undefined;
  if (literal.kind === 'relative' && attribute.values !== 'time') return { expected: EXPECTED[attribute.values] };
  const value = relativeMs ?? VALUE_OF_TEXT[attribute.values](literal.text);
  return value === undefined ? { expected: EXPECTED[attribute.values] } : { value };
}

function valueOfJson(values: AttributeValues, json: unknown): AttributeValue | undefined {
  if (values === 'keyword' || values === 'text') return typeof json === 'string' ? json : undefined;
  if (values === 'bool' && typeof json === 'boolean') return json;
  if (typeof json === 'string' || typeof json === 'number') return VALUE_OF_TEXT[values](String(json));
  return undefined;
}

/** Whether a payload is JSON of the attribute's type: one value or a list of them. */
export function isValidPayload(attribute: SearchAttribute, data: Uint8Array): boolean {
  return valuesOfPayload(attribute, data) !== undefined;
}

function valuesOfPayload(attribute: SearchAttribute, data: Uint8Array): AttributeValue | AttributeValue[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined; // not JSON: the caller says what that means
  }
  if (!Array.isArray(json)) return valueOfJson(attribute.values, json);
  const values = json.map((element) => valueOfJson(attribute.values, element));
  return values.every((value) => value !== undefined) ? values : undefined;
}

/**
 * The custom attributes of a run as plain values. What does not decode was refused by the frontend, or its type has
 * changed since: it is left out.
 */
export function decodeSearchAttributes(
  attributes: SearchAttributes | undefined,
  registry: SearchAttributeRegistry,
): Record<string, AttributeValue | AttributeValue[]> | undefined {
  const decoded: Record<string, AttributeValue | AttributeValue[]> = {};
  for (const [name, payload] of Object.entries(attributes?.indexedFields ?? {})) {
    const attribute = registry.get(name);
    if (attribute === undefined || attribute.isSystem) continue;
    const values = valuesOfPayload(attribute, payload.data);
    if (values !== undefined) decoded[name] = values;
  }
  return Object.keys(decoded).length === 0 ? undefined : decoded;
}
