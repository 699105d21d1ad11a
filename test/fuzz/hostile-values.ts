// Values that a field's type allows on the wire, or does not, and that nobody sends who means well.
import type { Chance } from '../simulation/chance.ts';
import { type Field, type MessageTree, tag, type Value, varint } from './wire.ts';

const TEXTS: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\n\r\t',
  '__proto__',
  'constructor',
  'toString',
  '../../../../etc/passwd',
  "'; DROP TABLE executions; --",
  '%00%ff%n%s',
  '\u202egnp.exe',
  '\ufeffbom',
  '💥'.repeat(300),
  'é'.normalize('NFD'),
  '-1',
  '1e309',
  'NaN',
  '00000000-0000-0000-0000-000000000000',
  '5B0A7B8E-7B9C-4C59-9D43-0D7F7A1F2A11',
  '{"a":1}',
  '[]',
  'null',
  '*/0 * * * *',
  '99 99 99 99 99',
  '@every 1ns',
  '@every 9999999999999999h',
  '* * * * * * * * *',
  'CRON_TZ=Mars/Base * * * * *',
  '0 0 30 2 *',
  'file:///etc',
  's3://bucket/../..',
  'region-a',
  'cadence-system',
  'cadence-sys-tl',
  '/__cadence_sys/list/1',
  "WorkflowID = 'a' OR",
  `${'('.repeat(5000)}1${')'.repeat(5000)}`,
  `WorkflowID = 'x'${" AND WorkflowID = 'x'".repeat(2000)}`,
  "StartTime > 'now-99999999999d' ORDER BY CloseTime DESC, RunID ASC",
  'CloseTime = missing AND NOT (CustomIntField BETWEEN 9e99 AND -9e99)',
  "WorkflowType LIKE '%_%' AND CustomKeywordField IN ('a', 'b')",
];

const INTEGERS: readonly bigint[] = [
  0n,
  1n,
  -1n,
  2n,
  127n,
  128n,
  1000n,
  1001n,
  2n ** 31n - 1n,
  2n ** 31n,
  -(2n ** 31n),
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 63n - 1_000_000_000n,
  315_576_000_000n,
  315_576_000_001n,
  -315_576_000_001n,
  999_999_999n,
  1_000_000_000n,
  -23n,
];

const DOUBLES: readonly number[] = [0, -0, -1, 0.5, 1e-320, 1e308, Number.NaN, Infinity, -Infinity, 2 ** 53];
const NOT_UTF8: readonly Uint8Array[] = [
  Uint8Array.of(0xff),
  Uint8Array.of(0x61, 0xc3),
  Uint8Array.of(0xed, 0xa0, 0x80),
  Uint8Array.of(0xc0, 0xaf),
  Uint8Array.of(0xf8, 0x88, 0x80, 0x80, 0x80),
];

const MEGABYTE = 1 << 20;
const HUGE = Buffer.alloc(10 * MEGABYTE, 'x');
const LONG = Buffer.alloc(2 * MEGABYTE + 1, 'y');

function length(chance: Chance): number {
  return chance.weighted({ short: 60, limit: 30, long: 9, blob: 0.8, huge: 0.2 }) === 'short'
    ? chance.whole(0, 64)
    : chance.pick([999, 1000, 1001, 4096, 70_000]);
}

function filler(chance: Chance): Uint8Array {
  if (chance.is(0.001)) return HUGE;
  if (chance.is(0.002)) return LONG;
  return Buffer.alloc(length(chance), chance.pick(['x', ' ', '\0', 'ü', '"', '<']));
}

export const hostileText = (chance: Chance): string => chance.pick(TEXTS);
export const hostileInteger = (chance: Chance): bigint => chance.pick(INTEGERS);
export const hostileDouble = (chance: Chance): number => chance.pick(DOUBLES);

export function randomBytes(chance: Chance, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, () => chance.whole(0, 255));
}

/** A token that was whole once. */
export function damaged(chance: Chance, token: Uint8Array): Uint8Array {
  const bytes = Buffer.from(token);
  if (bytes.length === 0) return randomBytes(chance, 8);
  switch (chance.weighted({ flip: 4, cut: 2, grow: 1, digit: 3 })) {
    case 'cut':
      return bytes.subarray(0, chance.whole(0, bytes.length - 1));
    case 'grow':
      return Buffer.concat([bytes, randomBytes(chance, 16)]);
    case 'digit': {
      // Numbers and ids inside stay readable and become others.
      const at = [...bytes.keys()].filter((index) => (bytes[index] ?? 0) >= 0x30 && (bytes[index] ?? 0) <= 0x39);
      if (at.length > 0) bytes[chance.pick(at)] = 0x30 + chance.whole(0, 9);
      return bytes;
    }
    case 'flip':
      bytes[chance.whole(0, bytes.length - 1)]! ^= 1 << chance.whole(0, 7);
      return bytes;
  }
}

/** Another value of the same wire type. */
export function hostileValue(chance: Chance, field: Field): Value {
  const { value } = field;
  switch (value.kind) {
    case 'varint':
      return { kind: 'varint', value: hostileInteger(chance) };
    case 'fixed64': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(hostileDouble(chance));
      return { kind: 'fixed64', value: bytes };
    }
    case 'fixed32':
      return { kind: 'fixed32', value: randomBytes(chance, 4) };
    case 'bytes':
      if (value.isText) {
        if (chance.is(0.15)) return { ...value, value: chance.pick(NOT_UTF8) };
        return { ...value, value: chance.is(0.7) ? Buffer.from(hostileText(chance)) : filler(chance) };
      }
      return { ...value, value: chance.is(0.5) ? damaged(chance, value.value) : filler(chance) };
    case 'message':
      if (chance.is(0.5)) return { kind: 'message', value: { type: value.value.type, fields: [] } };
      return { kind: 'bytes', value: randomBytes(chance, chance.whole(1, 40)), isText: false };
    case 'raw':
      return value;
  }
}

/** A field that no message declares, or that is none. */
export function strangeField(chance: Chance): Field {
  const number = chance.pick([99, 1000, 19_000, 2 ** 29 - 1, 0]);
  const raw = (...parts: Uint8Array[]): Field => ({
    number,
    descriptor: undefined,
    value: { kind: 'raw', value: Buffer.concat(parts) },
  });
  switch (chance.weighted({ varint: 3, bytes: 3, group: 2, openGroup: 1, wireType: 2, cut: 2, overlong: 1 })) {
    case 'varint':
      return raw(tag(number, 0), varint(hostileInteger(chance)));
    case 'bytes':
      return raw(tag(number, 2), varint(20n), randomBytes(chance, 20));
    case 'group': {
      const depth = chance.pick([1, 50, 5000, 100_000]);
      return raw(Buffer.alloc(depth, tag(15, 3)), Buffer.alloc(depth, tag(15, 4)));
    }
    case 'openGroup':
      return raw(tag(15, 3), tag(14, 4));
    case 'wireType':
      return raw(tag(number, chance.pick([4, 6, 7])));
    case 'cut':
      return raw(tag(number, 2), varint(chance.pick([1n, 1000n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 63n])));
    case 'overlong':
      return raw(Buffer.alloc(chance.pick([10, 11, 100]), 0xff));
  }
}

/** A deep nest of unknown fields, each inside the other. */
export function deepNest(chance: Chance): Field {
  let bytes: Uint8Array = randomBytes(chance, 4);
  for (let depth = 0; depth < 300; depth++) bytes = Buffer.concat([tag(2, 2), varint(BigInt(bytes.length)), bytes]);
  return { number: 2, descriptor: undefined, value: { kind: 'raw', value: bytes } };
}

export const isEmptyTree = (tree: MessageTree): boolean => tree.fields.length === 0;
