// JSON Schemas (the dialect of OpenAPI 3.1) of protobuf messages and enums, for their canonical JSON. Made from the descriptors; only what is
// reachable from the RPCs is described.
import { type DescEnum, type DescField, type DescMessage, type JsonObject, ScalarType } from '@bufbuild/protobuf';
import type { Comments } from './proto-comments.ts';

export interface SchemaCollector {
  /** A reference to the message's schema, which is collected with all that it uses. */
  message(message: DescMessage): JsonObject;
  collected(): JsonObject;
}

export function createSchemaCollector(comments: Comments): SchemaCollector {
  const schemas: Record<string, JsonObject> = {};
  const reference = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });

  const ofEnum = (item: DescEnum): JsonObject => {
    schemas[item.typeName] ??= described(comments.of(item.proto), {
      type: 'string',
      enum: item.values.map(({ name }) => name),
    });
    return reference(item.typeName);
  };
  const ofMessage = (message: DescMessage): JsonObject => {
    const known = WELL_KNOWN[message.typeName];
    if (known !== undefined) return known;
    if (schemas[message.typeName] === undefined) {
      schemas[message.typeName] = {}; // Present before its fields are walked: a message may contain itself.
      schemas[message.typeName] = messageSchema(message);
    }
    return reference(message.typeName);
  };
  const ofField = (field: DescField): JsonObject => {
    switch (field.fieldKind) {
      case 'scalar':
        return scalar(field.scalar);
      case 'enum':
        return ofEnum(field.enum);
      case 'message':
        return ofMessage(field.message);
      case 'list':
        return { type: 'array', items: element(field.listKind, field) };
      case 'map':
        return { type: 'object', additionalProperties: element(field.mapKind, field) };
    }
  };
  const element = (kind: 'scalar' | 'enum' | 'message', field: DescField): JsonObject => {
    if (kind === 'enum' && field.enum !== undefined) return ofEnum(field.enum);
    if (kind === 'message' && field.message !== undefined) return ofMessage(field.message);
    return scalar(field.scalar ?? ScalarType.STRING);
  };
  const messageSchema = (message: DescMessage): JsonObject => {
    const properties: JsonObject = {};
    for (const field of message.fields)
      properties[field.jsonName] = described(comments.of(field.proto), ofField(field));
    const oneofs = message.oneofs.filter((oneof) => oneof.fields.length > 1);
    const notes = oneofs.map((oneof) => `At most one of: ${oneof.fields.map(({ jsonName }) => jsonName).join(', ')}.`);
    const description = [comments.of(message.proto), ...notes].filter((text) => text !== '').join(' ');
    return described(description, { type: 'object', properties, additionalProperties: false });
  };
  return {
    message: ofMessage,
    collected: () => Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

const described = (description: string, schema: JsonObject): JsonObject =>
  description === '' ? schema : { ...schema, description };

const INT64: JsonObject = { type: 'string', format: 'int64', pattern: '^-?[0-9]+$' };
const UINT64: JsonObject = { type: 'string', format: 'uint64', pattern: '^[0-9]+$' };
const INT32: JsonObject = { type: 'integer', format: 'int32' };
const UINT32: JsonObject = { type: 'integer', format: 'uint32', minimum: 0 };
const BYTES: JsonObject = { type: 'string', contentEncoding: 'base64' };
const DOUBLE: JsonObject = { anyOf: [{ type: 'number' }, { type: 'string', enum: ['NaN', 'Infinity', '-Infinity'] }] };

function scalar(type: ScalarType): JsonObject {
  switch (type) {
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.STRING:
      return { type: 'string' };
    case ScalarType.BYTES:
      return BYTES;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return DOUBLE;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return INT64;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return UINT64;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return UINT32;
    default:
      return INT32;
  }
}

const WELL_KNOWN: Readonly<Record<string, JsonObject>> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time', examples: ['2026-11-21T10:00:00.500Z'] },
  'google.protobuf.Duration': { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]{1,9})?s$', examples: ['3.5s'] },
  'google.protobuf.FieldMask': {
    type: 'string',
    description: 'Names of fields in lowerCamelCase, separated by commas.',
  },
  'google.protobuf.Any': {
    type: 'object',
    properties: { '@type': { type: 'string' } },
    required: ['@type'],
    additionalProperties: true,
  },
  'google.protobuf.StringValue': { type: 'string' },
  'google.protobuf.BytesValue': BYTES,
  'google.protobuf.BoolValue': { type: 'boolean' },
  'google.protobuf.Int64Value': INT64,
  'google.protobuf.UInt64Value': UINT64,
  'google.protobuf.Int32Value': INT32,
  'google.protobuf.UInt32Value': UINT32,
  'google.protobuf.DoubleValue': DOUBLE,
  'google.protobuf.FloatValue': DOUBLE,
  'google.protobuf.Struct': { type: 'object', additionalProperties: true },
  'google.protobuf.Value': {},
  'google.protobuf.ListValue': { type: 'array', items: {} },
};
