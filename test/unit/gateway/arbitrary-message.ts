// Arbitrary messages of any type of the API, from its descriptor, as encoded bytes: every field kind, oneof and well-known type that occurs.
import { create, type DescField, type DescMessage, ScalarType, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';

const DEPTH_MAX = 4;

export const arbitraryBytes = (message: DescMessage): fc.Arbitrary<Uint8Array> =>
  arbitraryFields(message, 0).map((fields) => toBinary(message, create(message, fields as never)));

type Fields = Readonly<Record<string, unknown>>;

function arbitraryFields(message: DescMessage, depth: number): fc.Arbitrary<Fields> {
  switch (message.typeName) {
    case 'google.protobuf.Timestamp': // The years 1 to 9999, as JSON can say them.
      return fc.record({ seconds: fc.bigInt(-62_135_596_800n, 253_402_300_799n), nanos: fc.nat(999_999_999) });
    case 'google.protobuf.Duration':
      return fc
        .tuple(fc.bigInt(-315_576_000_000n, 315_576_000_000n), fc.nat(999_999_999))
        .map(([seconds, nanos]) => ({ seconds, nanos: seconds < 0n ? -nanos : nanos }))
        .filter(({ seconds, nanos }) => (seconds !== 315_576_000_000n && seconds !== -315_576_000_000n) || nanos === 0);
    case 'google.protobuf.FieldMask':
      return fc.record({
        paths: fc.array(fc.constantFrom('description', 'owner_email', 'bad_binaries'), { maxLength: 3 }),
      });
    case 'google.protobuf.Any':
      return fc.constant({});
    default:
      return ofFields(message, depth);
  }
}

function ofFields(message: DescMessage, depth: number): fc.Arbitrary<Fields> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const member of message.members) {
    if (member.kind === 'oneof') {
      const cases = member.fields.map((field) =>
        arbitraryValue(field, depth).map((value) => ({ case: field.localName, value })),
      );
      model[member.localName] = fc.option(fc.oneof(...cases), { nil: { case: undefined } as never });
    } else {
      model[member.localName] = arbitraryValue(member, depth);
    }
  }
  return fc.record(model, { requiredKeys: [] });
}

function arbitraryValue(field: DescField, depth: number): fc.Arbitrary<unknown> {
  switch (field.fieldKind) {
    case 'scalar':
      return arbitraryScalar(field.scalar);
    case 'enum':
      return fc.constantFrom(...field.enum.values.map(({ number }) => number));
    case 'message':
      // A wrapper is its value in the library's messages.
      if (
        field.message.typeName.startsWith('google.protobuf.') &&
        field.message.typeName.endsWith('Value') &&
        field.oneof === undefined
      ) {
        return arbitraryScalar((field.message.fields[0] as DescField & { scalar: ScalarType }).scalar);
      }
      return nested(field.message, depth);
    case 'list':
      return fc.array(element(field, depth), { maxLength: depth >= DEPTH_MAX ? 0 : 3 });
    case 'map':
      return fc.dictionary(mapKey(field.mapKey), element(field, depth), { maxKeys: depth >= DEPTH_MAX ? 0 : 3 });
  }
}

const nested = (message: DescMessage, depth: number): fc.Arbitrary<unknown> =>
  depth >= DEPTH_MAX
    ? fc.constant(create(message))
    : arbitraryFields(message, depth + 1).map((fields) => create(message, fields as never));

function element(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.message !== undefined) return nested(field.message, depth);
  if (field.enum !== undefined) return fc.constantFrom(...field.enum.values.map(({ number }) => number));
  return arbitraryScalar(field.scalar ?? ScalarType.STRING);
}

const mapKey = (type: ScalarType): fc.Arbitrary<string> =>
  type === ScalarType.STRING
    ? fc.string({ unit: 'grapheme', maxLength: 10 }).filter((key) => key !== '__proto__')
    : fc.nat(1_000_000).map(String);

function arbitraryScalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.STRING:
      return fc.string({ unit: 'grapheme', maxLength: 20 });
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 40 });
    case ScalarType.INT64:
      return fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
    case ScalarType.UINT64:
      return fc.bigInt(0n, 2n ** 64n - 1n);
    case ScalarType.DOUBLE:
      // JSON of JavaScript has no negative zero.
      return fc.double().filter((value) => !Object.is(value, -0));
    case ScalarType.FLOAT:
      return fc.float().filter((value) => !Object.is(value, -0));
    case ScalarType.UINT32:
      return fc.nat(2 ** 32 - 1);
    case ScalarType.INT32:
      return fc.integer();
    default:
      throw new Error(`no arbitrary for scalar ${ScalarType[type]}`);
  }
}
