// What the audit keeps of a message: JSON for people, bounded, and without secrets. Fields whose names say that they are secret keep only their
// name; bytes are shown as text when they are short text (values of dynamic config), otherwise as their number.

const TEXT_CHARS_MAX = 8_192;
const BYTES_SHOWN_MAX = 1_024;
const DEPTH_MAX = 12;
const SECRET = /token|secret|password|credential|authorization|private_?key/i;
// Page tokens and their like are no secrets, and no use in an audit either.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

export function auditJson(message: unknown): string {
  const text = JSON.stringify(plain(message, 0)) ?? '';
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}…` : text;
}

function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return shownBytes(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_MAX) return '…';
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => !isEmpty(field))
      .map(([key, field]) => [key, SECRET.test(key) ? '[redacted]' : plain(field, depth + 1)]),
  );
}

/** Fields that were not set: proto3 cannot tell, and they are most. */
const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === '' ||
  (value instanceof Uint8Array && value.length === 0) ||
  (Array.isArray(value) && value.length === 0);

function shownBytes(bytes: Uint8Array): string {
  if (bytes.length > BYTES_SHOWN_MAX) return `${bytes.length} bytes`;
  try {
    const text = strictUtf8.decode(bytes);
    return SECRET.test(text) ? '[redacted]' : text;
  } catch {
    return `${bytes.length} bytes`; // No text: its size is all there is to say.
  }
}
