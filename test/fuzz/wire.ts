// Messages as the wire has them, not as a codec would allow: a tree of fields that can be cut, doubled, mistyped and then written out as bytes.
import type { DescField, DescMessage } from '@bufbuild/protobuf';

export type Value =
  | { kind: 'varint'; value: bigint }
  | { kind: 'fixed64'; value: Uint8Array }
  | { kind: 'fixed32'; value: Uint8Array }
  | { kind: 'bytes'; value: Uint8Array; isText: boolean }
  | { kind: 'message'; value: MessageTree }
  /** Written as it is, its tag included. */
  | { kind: 'raw'; value: Uint8Array };

export interface Field {
  readonly number: number;
  /** undefined: of a map's entry, or no field that the message declares. */
  readonly descriptor: DescField | undefined;
  value: Value;
}

export interface MessageTree {
  /** undefined: the entry of a map, key 1 and value 2. */
  readonly type: DescMessage | undefined;
  fields: Field[];
}

const WIRE_TYPES = { varint: 0, fixed64: 1, bytes: 2, message: 2, fixed32: 5 } as const;
const UINT64_MASK = 0xffff_ffff_ffff_ffffn;

export function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let left = value & UINT64_MASK;
  while (left > 127n) {
    bytes.push(Number(left & 127n) | 128);
    left >>= 7n;
  }
  bytes.push(Number(left));
  return Uint8Array.from(bytes);
}

export const tag = (number: number, wireType: number): Uint8Array => varint((BigInt(number) << 3n) | BigInt(wireType));

export function encodeTree(tree: MessageTree): Buffer {
  return Buffer.concat(tree.fields.flatMap(encodeField));
}

function encodeField({ number, value }: Field): Uint8Array[] {
  if (value.kind === 'raw') return [value.value];
  const head = tag(number, WIRE_TYPES[value.kind]);
  switch (value.kind) {
    case 'varint':
      return [head, varint(value.value)];
    case 'fixed32':
    case 'fixed64':
      return [head, value.value];
    case 'bytes':
      return [head, varint(BigInt(value.value.length)), value.value];
    case 'message': {
      const bytes = encodeTree(value.value);
      return [head, varint(BigInt(bytes.length)), bytes];
    }
  }
}

export const textValue = (text: string): Value => ({ kind: 'bytes', value: Buffer.from(text), isText: true });
export const bytesValue = (value: Uint8Array): Value => ({ kind: 'bytes', value, isText: false });
export const integerValue = (value: bigint | number): Value => ({ kind: 'varint', value: BigInt(value) });
export const messageValue = (value: MessageTree): Value => ({ kind: 'message', value });
export function doubleValue(value: number): Value {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return { kind: 'fixed64', value: bytes };
}

/** The same field on its own: what is changed in one is not in the other. Bytes are never changed in place, and are shared. */
export function copyOf(field: Field): Field {
  if (field.value.kind !== 'message') return { ...field };
  const { type, fields } = field.value.value;
  return { ...field, value: messageValue({ type, fields: fields.map(copyOf) }) };
}

/** Every place in the tree where something can be changed, the root's own fields first. */
export function placesOf(root: MessageTree): { tree: MessageTree; index: number }[] {
  const places: { tree: MessageTree; index: number }[] = [];
  const visit = (tree: MessageTree): void => {
    tree.fields.forEach((field, index) => {
      places.push({ tree, index });
      if (field.value.kind === 'message') visit(field.value.value);
    });
  };
  visit(root);
  return places;
}
