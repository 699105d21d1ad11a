// What the generated codecs share (proto/generate.mjs rewrites them to use it). Encoding is half of a server's work with messages, and most of
// it was making buffers and BigInts: one writer is used again and again, and integers that a double holds exactly need no BigInt.
// A generated `encode` without a writer must be followed by `finish()` before the next one begins: nothing else may hold the shared writer.
import { BinaryWriter } from '@bufbuild/protobuf/wire';

/** The parts of a BinaryWriter that its declaration hides. */
interface WriterParts {
  buffer: Uint8Array;
  pos: number;
  stackPos: number[];
  ensureCapacity(size: number): void;
}

// A rare large message must not keep its buffer for ever.
const KEPT_BYTES_MAX = 1024 * 1024;
const VARINT_MORE = 0x80;

let shared = new BinaryWriter();
let parts = shared as unknown as WriterParts;

/** The writer of an encoding that ends with `finish()`, which copies the bytes out. */
export function sharedWriter(): BinaryWriter {
  if (parts.buffer.length > KEPT_BYTES_MAX) {
    shared = new BinaryWriter();
    parts = shared as unknown as WriterParts;
  }
  // An encoding that threw has left its traces.
  parts.pos = 0;
  if (parts.stackPos.length > 0) parts.stackPos = [];
  return shared;
}

/** Writes a field of type int64. RangeError when the value does not fit. */
export function writeInt64(writer: BinaryWriter, value: number | bigint): BinaryWriter {
  let rest = Number(value);
  if (!(rest >= 0 && Number.isSafeInteger(rest))) return writeAnyInt64(writer, BigInt(value));
  const target = writer as unknown as WriterParts;
  target.ensureCapacity(10);
  while (rest >= VARINT_MORE) {
    target.buffer[target.pos++] = (rest % VARINT_MORE) | VARINT_MORE;
    rest = Math.floor(rest / VARINT_MORE);
  }
  target.buffer[target.pos++] = rest;
  return writer;
}

function writeAnyInt64(writer: BinaryWriter, value: bigint): BinaryWriter {
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} is no int64`);
  return writer.int64(value);
}

/** The same bytes as a Buffer, which is what grpc-js takes. */
export const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
