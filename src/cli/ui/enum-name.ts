// Names of enum values as people read them: `DOMAIN_STATUS_REGISTERED` is `registered`.

export function enumName(values: Readonly<Record<string, unknown>>, value: number, prefix: string): string {
  const found = Object.entries(values).find(([, each]) => each === value)?.[0];
  return found === undefined ? String(value) : found.replace(prefix, '').toLowerCase();
}

/** The value of a name as people write it, with or without the prefix; undefined when there is none. */
export function enumValue<T extends number>(
  values: Readonly<Record<string, T | unknown>>,
  name: string,
  prefix: string,
): T | undefined {
  const wanted = name.trim().toUpperCase().replaceAll('-', '_').replace(prefix, '');
  return Object.entries(values).find(
    ([each, value]) => typeof value === 'number' && each === `${prefix}${wanted}`,
  )?.[1] as T | undefined;
}

export const choicesOf = (values: Readonly<Record<string, unknown>>, prefix: string): readonly string[] =>
  Object.entries(values)
    .filter(([name, value]) => typeof value === 'number' && name.startsWith(prefix) && !name.endsWith('_INVALID'))
    .map(([name]) => name.replace(prefix, '').toLowerCase());
