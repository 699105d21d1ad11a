// Brings messages into a form that two servers can be compared by: what differs between any two runs (ids, times, tokens, sizes) becomes a
// symbol, and fields at their default are left out. Ids that a scenario chose keep the name it gave them; others are numbered as they appear.

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface Symbols {
  /** From now on `id` reads as `<name>`. */
  name(id: string, name: string): void;
  /** The comparable form of any part of a message; undefined for what is at its default. */
  of(value: unknown, key?: string): Json | undefined;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
const TIME_TEXT = /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g;
const HOST = /\b(127\.0\.0\.1|localhost):\d+\b/g;
// Texts that are long to be too long.
const REPEATED = /(.)\1{40,}/g;
// Opaque to clients: that there is one is all that they see.
const TOKENS = new Set(['taskToken', 'nextPageToken', 'branchToken']);
// Measured, or numbered by the server's own count.
const UNSTABLE = new Set(['taskId', 'totalHistoryBytes', 'eventTime', 'autoConfigHint']);
// Waits that are counted from now.
const LATER = new Set(['firstDecisionTaskBackoff', 'backoffStartInterval']);
const LATER_SECONDS = 60n;
// Seconds beyond this are a time, below it a length of time.
const TIME_SECONDS_MIN = 1_000_000_000n;
const PRINTABLE = /^[\x20-\x7e\n]*$/;

/** `prefix` starts every name that the scenario makes up; it reads as `~`. */
export function createSymbols(prefix: string): Symbols {
  const names = new Map<string, string>();
  let count = 0;
  const nameOf = (id: string): string => {
    const key = id.toLowerCase();
    let name = names.get(key);
    if (name === undefined) {
      count++;
      name = `<id ${count}>`;
      names.set(key, name);
    }
    return name;
  };
  // Which of two request ids of the server's own came first tells nothing.
  const isUnnamed = (value: string): boolean => value.replaceAll(UUID, '') === '' && !names.has(value.toLowerCase());
  const text = (value: string): string =>
    value
      .replaceAll(prefix, '~')
      .replaceAll(UUID, nameOf)
      .replaceAll(HOST, '<host>')
      .replaceAll(TIME_TEXT, '<time>')
      .replaceAll(REPEATED, (all, one: string) => `${one}×${all.length}`);

  const bytes = (value: Uint8Array): Json | undefined => {
    if (value.length === 0) return undefined;
    const decoded = Buffer.from(value).toString('utf8');
    if (!PRINTABLE.test(decoded)) return { base64: Buffer.from(value).toString('base64') };
    return decoded.length > 1000 ? `${decoded.slice(0, 20)}… (${decoded.length} bytes)` : text(decoded);
  };

  const message = (value: object): Json => {
    const fields: Record<string, Json> = {};
    // Maps of the wire have no order: names sorted would not be the declared order, but are the same everywhere.
    for (const [key, field] of Object.entries(value)) {
      const json = symbols.of(field, key);
      if (json !== undefined) fields[text(key)] = json;
    }
    return fields;
  };

  const symbols: Symbols = {
    name: (id, name) => names.set(id.toLowerCase(), `<${name}>`),
    of(value, key = '') {
      if (value === undefined || value === null || value === false || value === 0 || value === 0n || value === '') {
        return undefined;
      }
      if (UNSTABLE.has(key)) return undefined;
      if (typeof value === 'string') return key === 'requestId' && isUnnamed(value) ? '<uuid>' : text(value);
      if (typeof value === 'bigint') return Number(value);
      if (typeof value === 'number' || typeof value === 'boolean') return value;
      if (value instanceof Uint8Array) return TOKENS.has(key) ? tokenOf(value) : bytes(value);
      if (Array.isArray(value)) {
        return value.length === 0 ? undefined : value.map((element) => symbols.of(element) ?? null);
      }
      if (isTime(value)) return LATER.has(key) && value.seconds > LATER_SECONDS ? '<later>' : timeOf(value);
      if (isOneof(value)) return { [value.$case]: symbols.of(value.value) ?? null };
      if (isPayload(value)) return bytes(value.data) ?? '';
      // A map without entries is not on the wire. (A message has the names of its fields, set or not.)
      return Object.keys(value).length === 0 ? undefined : message(value);
    },
  };
  return symbols;
}

const tokenOf = (value: Uint8Array): Json | undefined => (value.length === 0 ? undefined : '<token>');

const isTime = (value: object): value is { seconds: bigint; nanos: number } =>
  'seconds' in value && 'nanos' in value && Object.keys(value).length === 2;

const isOneof = (value: object): value is { $case: string; value: unknown } => '$case' in value;

const isPayload = (value: object): value is { data: Uint8Array } =>
  'data' in value && value.data instanceof Uint8Array && Object.keys(value).length === 1;

function timeOf({ seconds, nanos }: { seconds: bigint; nanos: number }): string {
  if (seconds >= TIME_SECONDS_MIN) return '<time>';
  return nanos === 0 ? `${seconds}s` : `${seconds}s ${nanos}ns`;
}
