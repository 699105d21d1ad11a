// gzip of archive parts. Small parts are done at once, which keeps the simulation deterministic; large ones on the thread pool, so that
// the event loop stays free.

import { promisify } from 'node:util';
import { gunzip, gunzipSync, gzip, gzipSync } from 'node:zlib';

const SYNC_BYTES_MAX = 256 * 1024;
// A part is about 4 MiB of text, one line of it at most a batch more; beyond this an object is not ours.
const INFLATED_BYTES_MAX = 1024 * 1024 * 1024;

const gzipOnPool = promisify(gzip);
const gunzipOnPool = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(gunzip);

export async function compress(text: string): Promise<Uint8Array> {
  const bytes = Buffer.from(text);
  return bytes.length <= SYNC_BYTES_MAX ? gzipSync(bytes) : gzipOnPool(bytes);
}

export async function decompress(bytes: Uint8Array): Promise<string> {
  const options = { maxOutputLength: INFLATED_BYTES_MAX };
  const inflated = bytes.length <= SYNC_BYTES_MAX / 8 ? gunzipSync(bytes, options) : await gunzipOnPool(bytes, options);
  return inflated.toString('utf8');
}
