// A large ExecutionRecord as rows: one for every pending activity, timer, child, cancellation and signal, and the rest in the record's own row. A step
// then writes what it changed and not megabytes of what it left alone. The record is split as it is encoded, along its top-level fields;
// put together, the parts decode to the same message.

export interface RecordPart {
  /** Number of the record's field that it is one of; the row's `part`. */
  readonly field: number;
  /** Its id within the field, padded so that rows lie in the order of the ids; the row's `item`. */
  readonly item: string;
  /** Tag and length included. */
  readonly bytes: Buffer;
}

export interface SplitRecord {
  readonly rest: Buffer;
  /** By field and item. */
  readonly parts: ReadonlyMap<string, RecordPart>;
}

/** Smaller records stay whole: a row costs more than its bytes. */
const SPLIT_FROM_BYTES = 32 * 1024;

/** Fields of ExecutionRecord that are split, with the field that tells their elements apart: an event id. */
const ID_FIELDS: ReadonlyMap<number, number> = new Map([
  [2, 2], // activities: schedule_id
  [3, 3], // timers: started_id
  [4, 2], // children: initiated_id
  [5, 2], // request_cancels: initiated_id
  [6, 2], // signals: initiated_id
]);
export const FIRST_PART = 2;
const ID_DIGITS = 16;

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Reads along the fields of an encoded message. */
class Cursor {
  position = 0;
  /** Met what is no encoded message. */
  isLost = false;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.isLost || this.position >= this.#bytes.length;
  }

  /** Exact up to 2^53, which ids, tags and lengths are below. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.position++];
      if (byte === undefined) {
        this.isLost = true;
        return 0;
      }
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  /** Goes past a value; gives where it begins. */
  skip(wireType: number): number {
    const length = wireType === WIRE.bytes ? this.varint() : 0;
    const start = this.position;
    if (wireType === WIRE.varint) this.varint();
    else if (wireType === WIRE.bytes) this.position += length;
    else if (wireType === WIRE.fixed64) this.position += 8;
    else if (wireType === WIRE.fixed32) this.position += 4;
    else this.isLost = true;
    if (this.position > this.#bytes.length) this.isLost = true;
    return start;
  }
}

function idOf(message: Uint8Array, idField: number): number {
  const cursor = new Cursor(message);
  while (!cursor.isAtEnd) {
    const tag = cursor.varint();
    if (tag === idField * 8 + WIRE.varint) return cursor.varint();
    cursor.skip(tag & 7);
  }
  return 0;
}

export const keyOf = (field: number, item: string): string => `${field}:${item}`;

/** Undefined: it is small, or nothing that could be split; it stays whole. */
export function splitRecord(record: Buffer): SplitRecord | undefined {
  if (record.length < SPLIT_FROM_BYTES) return undefined;
  const cursor = new Cursor(record);
  const parts = new Map<string, RecordPart>();
  const rest: Buffer[] = [];
  while (!cursor.isAtEnd) {
    const from = cursor.position;
    const tag = cursor.varint();
    const start = cursor.skip(tag & 7);
    if (cursor.isLost) return undefined;
    const bytes = record.subarray(from, cursor.position);
    const field = Math.floor(tag / 8);
    const idField = ID_FIELDS.get(field);
    if (idField === undefined) {
      rest.push(bytes);
      continue;
    }
    const item = String(idOf(record.subarray(start, cursor.position), idField)).padStart(ID_DIGITS, '0');
    const key = keyOf(field, item);
    if (parts.has(key)) return undefined;
    parts.set(key, { field, item, bytes });
  }
  return parts.size === 0 ? undefined : { rest: Buffer.concat(rest), parts };
}

/** `parts` in the order of their ids. */
export const joinRecord = (rest: Buffer, parts: readonly Buffer[]): Buffer => Buffer.concat([rest, ...parts]);

export interface PartChanges {
  readonly written: readonly RecordPart[];
  readonly removed: readonly Pick<RecordPart, 'field' | 'item'>[];
}

/** What brings the stored parts to the new ones. */
export function changedParts(
  stored: ReadonlyMap<string, RecordPart>,
  parts: ReadonlyMap<string, RecordPart>,
): PartChanges {
  const written: RecordPart[] = [];
  for (const [key, part] of parts) {
    const before = stored.get(key);
    if (before === undefined || !before.bytes.equals(part.bytes)) written.push(part);
  }
  const removed = [...stored].filter(([key]) => !parts.has(key)).map(([, part]) => part);
  return { written, removed };
}
