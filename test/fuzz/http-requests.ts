// The same requests by the HTTP door: proto3 JSON of a tree, changes included, and JSON that is none.
import type { Chance } from '../simulation/chance.ts';
import type { About } from './harvest.ts';
import { hostileText } from './hostile-values.ts';
import { mutate } from './mutate.ts';
import type { Method } from './schema.ts';
import type { Field, MessageTree } from './wire.ts';

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

const REST_PATHS: readonly string[] = [
  '',
  '/{id}',
  '/{id}/history',
  '/{id}/result',
  '/{id}/cancel',
  '/{id}/terminate',
  '/{id}/signals/go',
  '/{id}/queries/state',
  '/{id}/signal-with-start',
];
const QUERY_KEYS = ['pageSize', 'query', 'nextPageToken', 'runId', 'waitForNewEvent', 'timeout', 'wait', 'follow'];

// By characters: half a surrogate pair has no percent-encoding.
const shortText = (chance: Chance): string => [...hostileText(chance)].slice(0, 300).join('');

export function httpRequest(chance: Chance, method: Method, tree: MessageTree, about: About): HttpRequest {
  if (chance.is(0.6)) mutate(chance, tree, chance.whole(1, 3));
  const body = Buffer.from(chance.is(0.75) ? JSON.stringify(toJson(tree)) : brokenJson(chance, tree));
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-timeout': '2s' };
  if (chance.is(0.05))
    headers['content-type'] = chance.pick(['text/plain', 'application/grpc', 'application/json; charset=utf-16']);
  if (chance.is(0.03)) headers['content-encoding'] = chance.pick(['gzip', 'br', 'x', 'gzip, gzip']);
  if (chance.is(0.05)) headers['antiphon-payload'] = chance.pick(['json', 'raw', 'x']);
  if (chance.is(0.3)) return { ...restTarget(chance, about), headers, body };
  const path = chance.is(0.03)
    ? chance.pick([`${method.route}/x`, '/', '/openapi.json', '//', '/%', '/api/v1/../../etc'])
    : method.route;
  return {
    method: chance.is(0.04) ? chance.pick(['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) : 'POST',
    path,
    headers,
    body,
  };
}

function restTarget(chance: Chance, { domain, workflowId }: About): Pick<HttpRequest, 'method' | 'path'> {
  const id = chance.is(0.8)
    ? encodeURIComponent(workflowId)
    : chance.pick(['%', '%00', '%ff', '..', encodeURIComponent(shortText(chance))]);
  const query = Array.from({ length: chance.whole(0, 2) }, () => {
    const value = encodeURIComponent(chance.pick(['1', '-1', 'true', 'x', '99999999999', '', shortText(chance)]));
    return `${chance.pick(QUERY_KEYS)}=${value}`;
  });
  const path = `/api/v1/domains/${encodeURIComponent(domain)}/workflows${chance.pick(REST_PATHS).replace('{id}', id)}`;
  return {
    method: chance.pick(['GET', 'POST', 'GET', 'POST', 'DELETE']),
    path: query.length > 0 ? `${path}?${query.join('&')}` : path,
  };
}

export function toJson(tree: MessageTree): Json {
  const numbers = new Map(tree.fields.map((field) => [field.number, field]));
  const seconds = (): bigint => integerOf(numbers.get(1));
  switch (tree.type?.typeName) {
    case 'google.protobuf.Duration':
      return `${seconds()}s`;
    case 'google.protobuf.Timestamp': {
      const milliseconds = Number(seconds()) * 1000;
      return Math.abs(milliseconds) < 8.64e15 ? new Date(milliseconds).toISOString() : String(milliseconds);
    }
    case 'google.protobuf.FieldMask':
      return tree.fields.map(textOf).join(',');
    case 'google.protobuf.Int64Value':
      return String(seconds());
    case 'google.protobuf.DoubleValue':
      return 5;
    default:
      return jsonObject(tree);
  }
}

function jsonObject(tree: MessageTree): Json {
  const json: { [key: string]: Json } = {};
  for (const field of tree.fields) {
    const key = field.descriptor?.jsonName ?? `field${field.number}`;
    const { descriptor, value } = field;
    if (descriptor?.fieldKind === 'map' && value.kind === 'message') {
      const [entryKey, entryValue] = value.value.fields;
      const map = typeof json[key] === 'object' && !Array.isArray(json[key]) ? json[key] : {};
      const name = entryKey === undefined ? '' : String(jsonValue(entryKey));
      Object.assign(map as object, { [name]: entryValue === undefined ? null : jsonValue(entryValue) });
      json[key] = map as Json;
    } else if (descriptor?.fieldKind === 'list') {
      const list = Array.isArray(json[key]) ? json[key] : [];
      list.push(jsonValue(field));
      json[key] = list;
    } else json[key] = jsonValue(field);
  }
  return json;
}

function jsonValue({ value, descriptor }: Field): Json {
  switch (value.kind) {
    case 'varint':
      // As protobuf demands, 64 bits in a string; booleans and enums as they come.
      if (descriptor?.scalar === 8) return value.value !== 0n;
      return value.value > 2n ** 31n || value.value < -(2n ** 31n) ? String(value.value) : Number(value.value);
    case 'fixed64': {
      const number = Buffer.from(value.value).readDoubleLE();
      return Number.isFinite(number) ? number : String(number);
    }
    case 'bytes':
      return value.isText ? Buffer.from(value.value).toString() : Buffer.from(value.value).toString('base64');
    case 'message':
      return toJson(value.value);
    case 'fixed32':
    case 'raw':
      return Buffer.from(value.value.subarray(0, 100)).toString('base64');
  }
}

const textOf = ({ value }: Field): string => (value.kind === 'bytes' ? Buffer.from(value.value).toString() : '');
const integerOf = (field: Field | undefined): bigint => (field?.value.kind === 'varint' ? field.value.value : 0n);

function brokenJson(chance: Chance, tree: MessageTree): string | Buffer {
  const text = JSON.stringify(toJson(tree));
  switch (chance.weighted({ cut: 3, flip: 3, deep: 1, none: 2, twice: 1, number: 1, bom: 1, list: 1 })) {
    case 'cut':
      return text.slice(0, chance.whole(0, text.length));
    case 'flip': {
      const bytes = Buffer.from(text);
      bytes[chance.whole(0, bytes.length - 1)]! ^= 1 << chance.whole(0, 7);
      return bytes;
    }
    case 'deep': {
      const depth = chance.pick([100, 5000, 200_000]);
      return `{"domain":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    }
    case 'none':
      return chance.pick(['', 'null', 'true', '0', '"x"', '[]', '{}', 'NaN', '{"a":1}', '{"__proto__":{"x":1}}']);
    case 'twice':
      return `${text.slice(0, -1)}${text.length > 2 ? ',' : ''}${text.slice(1)}`;
    case 'number':
      return text.replace(/:"[^"]*"/, ':1e999');
    case 'bom':
      return `\ufeff${text}`;
    case 'list':
      return `[${text}]`;
  }
}
