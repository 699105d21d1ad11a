// Object keys: /-separated, relative, printable ASCII. Checked before any driver sees one, so that no key names anything outside its store.
import { badRequest } from '#base';

const KEY_LENGTH_MAX = 1024;
const SEGMENT_LENGTH_MAX = 255;

/** Throws BadRequest for a key that is not a plain relative path; returns its segments. */
export function keySegments(key: string): readonly string[] {
  if (key.length === 0 || key.length > KEY_LENGTH_MAX) throw badRequest('Object key is empty or too long.');
  if (!/^[!-~]+$/.test(key) || key.includes('\\')) throw badRequest('Object key has a character that is not allowed.');
  const segments = key.split('/');
  for (const segment of segments) {
    if (segment === '' || segment.startsWith('.') || segment.length > SEGMENT_LENGTH_MAX) {
      throw badRequest('Object key has a segment that is not allowed.');
    }
  }
  return segments;
}

/** Any text as one key segment: what is not a letter, digit, `-`, `_` or an inner `.` is percent-encoded. Long ones keep their start. */
export function keySegment(text: string): string {
  const encoded = Array.from(new TextEncoder().encode(text), (byte, index) => {
    const char = String.fromCharCode(byte);
    const isPlain = /[A-Za-z0-9_-]/.test(char) || (char === '.' && index > 0);
    return isPlain ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
  return encoded.slice(0, 150);
}
