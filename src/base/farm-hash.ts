// FarmHash Fingerprint32, as Google's farmhashmk 32-bit variant defines it: Cadence places workflows and ring points with it.
// Results are unsigned 32-bit integers. Vectors: test/unit/base/farm-hash.test.ts.

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

const rotr = (value: number, shift: number): number =>
  shift === 0 ? value >>> 0 : ((value >>> shift) | (value << (32 - shift))) >>> 0;

const mur = (a: number, h: number): number => {
  let x = Math.imul(a, C1);
  x = rotr(x, 17);
  x = Math.imul(x, C2);
  let r = h ^ x;
  r = rotr(r, 19);
  return (Math.imul(r, 5) + 0xe6546b64) >>> 0;
};

const fmix = (value: number): number => {
  let h = value;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
};

const fetch32 = (s: Uint8Array, i: number): number =>
  ((s[i] ?? 0) | ((s[i + 1] ?? 0) << 8) | ((s[i + 2] ?? 0) << 16) | ((s[i + 3] ?? 0) << 24)) >>> 0;

function hashUpTo4(s: Uint8Array, seed = 0): number {
  let b = seed;
  let c = 9;
  for (const byte of s) {
    const v = (byte << 24) >> 24;
    b = (Math.imul(b, C1) + v) >>> 0;
    c ^= b;
  }
  return fmix(mur(b, mur(s.length, c)));
}

function hash5To12(s: Uint8Array, seed = 0): number {
  const length = s.length;
  let a = length;
  let b = Math.imul(length, 5);
  let c = 9;
  const d = (b + seed) >>> 0;
  a = (a + fetch32(s, 0)) >>> 0;
  b = (b + fetch32(s, length - 4)) >>> 0;
  c = (c + fetch32(s, (length >>> 1) & 4)) >>> 0;
  return fmix((seed ^ mur(c, mur(b, mur(a, d)))) >>> 0);
}

function hash13To24(s: Uint8Array, seed = 0): number {
  const length = s.length;
  let a = fetch32(s, (length >>> 1) - 4);
  const b = fetch32(s, 4);
  const c = fetch32(s, length - 8);
  const d = fetch32(s, length >>> 1);
  const e = fetch32(s, 0);
  const f = fetch32(s, length - 4);
  let h = (Math.imul(d, C1) + length + seed) >>> 0;
  a = (rotr(a, 12) + f) >>> 0;
  h = (mur(c, h) + a) >>> 0;
  a = (rotr(a, 3) + c) >>> 0;
  h = (mur(e, h) + a) >>> 0;
  a = (rotr((a + f) >>> 0, 12) + d) >>> 0;
  h = (mur((b ^ seed) >>> 0, h) + a) >>> 0;
  return fmix(h);
}

const scramble = (value: number): number => Math.imul(rotr(Math.imul(value, C1), 17), C2) >>> 0;

function hashLong(s: Uint8Array): number {
  const length = s.length;
  let h = length >>> 0;
  let g = Math.imul(C1, length) >>> 0;
  let f = g;
  const a0 = scramble(fetch32(s, length - 4));
  const a1 = scramble(fetch32(s, length - 8));
  const a2 = scramble(fetch32(s, length - 16));
  const a3 = scramble(fetch32(s, length - 12));
  const a4 = scramble(fetch32(s, length - 20));
  const mix = (x: number): number => (Math.imul(rotr(x, 19), 5) + 0xe6546b64) >>> 0;
  h = mix(h ^ a0);
  h = mix(h ^ a2);
  g = mix(g ^ a1);
  g = mix(g ^ a3);
  f = (rotr((f + a4) >>> 0, 19) + 113) >>> 0;
  let iterations = Math.floor((length - 1) / 20);
  for (let i = 0; iterations > 0; i += 20, iterations--) {
    const a = fetch32(s, i);
    const b = fetch32(s, i + 4);
    const c = fetch32(s, i + 8);
    const d = fetch32(s, i + 12);
    const e = fetch32(s, i + 16);
    h = (h + a) >>> 0;
    g = (g + b) >>> 0;
    f = (f + c) >>> 0;
    h = (mur(d, h) + e) >>> 0;
    g = (mur(c, g) + a) >>> 0;
    f = (mur((b + Math.imul(e, C1)) >>> 0, f) + d) >>> 0;
    f = (f + g) >>> 0;
    g = (g + f) >>> 0;
  }
  g = Math.imul(rotr(g, 11), C1) >>> 0;
  g = Math.imul(rotr(g, 17), C1) >>> 0;
  f = Math.imul(rotr(f, 11), C1) >>> 0;
  f = Math.imul(rotr(f, 17), C1) >>> 0;
  return finish(h, g, f);
}

function finish(h0: number, g: number, f: number): number {
  let h = rotr((h0 + g) >>> 0, 19);
  h = (Math.imul(h, 5) + 0xe6546b64) >>> 0;
  h = Math.imul(rotr(h, 17), C1) >>> 0;
  h = rotr((h + f) >>> 0, 19);
  h = (Math.imul(h, 5) + 0xe6546b64) >>> 0;
  return Math.imul(rotr(h, 17), C1) >>> 0;
}

const encoder = new TextEncoder();
// Ids are short and nearly always ASCII: those are copied here instead of allocating their bytes at each lookup.
const asciiBytes = new Uint8Array(256);

function utf8Of(text: string): Uint8Array {
  const { length } = text;
  if (length > asciiBytes.length) return encoder.encode(text);
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return encoder.encode(text);
    asciiBytes[i] = code;
  }
  return asciiBytes.subarray(0, length);
}

/** Fingerprint32 of the UTF-8 bytes of `text`. */
export function fingerprint32(text: string): number {
  const s = utf8Of(text);
  if (s.length <= 4) return hashUpTo4(s);
  if (s.length <= 12) return hash5To12(s);
  if (s.length <= 24) return hash13To24(s);
  return hashLong(s);
}
