// A validator for the part of JSON Schema that our OpenAPI document uses; a keyword it does not know fails the test that meets it.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';

const ANNOTATIONS = new Set(['description', 'format', 'contentEncoding', 'examples', 'default']);

/** What is wrong with `value`, as paths with a reason; empty when it is valid. */
export function faultsOf(document: JsonObject, schema: JsonObject, value: JsonValue, at = '$'): string[] {
  const faults: string[] = [];
  for (const [keyword, rule] of Object.entries(schema)) {
    if (ANNOTATIONS.has(keyword)) continue;
    faults.push(...check(document, schema, keyword, rule, value, at));
  }
  return faults;
}

function check(
  document: JsonObject,
  schema: JsonObject,
  keyword: string,
  rule: JsonValue,
  value: JsonValue,
  at: string,
): string[] {
  const fail = (reason: string): string[] => [`${at}: ${reason}`];
  switch (keyword) {
    case '$ref':
      return faultsOf(document, resolve(document, rule as string), value, at);
    case 'type':
      return typeOf(value).includes(rule as string) ? [] : fail(`is ${JSON.stringify(value)}, not ${rule}`);
    case 'enum':
      return (rule as JsonValue[]).includes(value) ? [] : fail(`${value} is not one of ${rule}`);
    case 'pattern':
      return typeof value !== 'string' || new RegExp(rule as string).test(value)
        ? []
        : fail(`${value} does not match ${rule}`);
    case 'minimum':
      return typeof value !== 'number' || value >= (rule as number) ? [] : fail(`${value} is below ${rule}`);
    case 'anyOf':
      return (rule as JsonObject[]).some((each) => faultsOf(document, each, value, at).length === 0)
        ? []
        : fail('fits none');
    case 'items':
      return Array.isArray(value)
        ? value.flatMap((item, i) => faultsOf(document, rule as JsonObject, item, `${at}[${i}]`))
        : [];
    case 'required':
      return (rule as string[])
        .filter((key) => !Object.hasOwn(value as object, key))
        .map((key) => `${at}: ${key} is missing`);
    case 'properties':
      return Object.entries(rule as JsonObject).flatMap(([key, each]) =>
        Object.hasOwn(value as object, key)
          ? faultsOf(document, each as JsonObject, (value as JsonObject)[key]!, `${at}.${key}`)
          : [],
      );
    case 'additionalProperties':
      return others(schema, value).flatMap((key) => {
        if (rule === true) return [];
        if (rule === false) return [`${at}: ${key} is not known`];
        return faultsOf(document, rule as JsonObject, (value as JsonObject)[key]!, `${at}.${key}`);
      });
    default:
      throw new Error(`the validator does not know ${keyword}`);
  }
}

const others = (schema: JsonObject, value: JsonValue): string[] =>
  Object.keys(value as object).filter((key) => !Object.hasOwn((schema.properties as object | undefined) ?? {}, key));

function typeOf(value: JsonValue): string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  if (typeof value === 'number') return Number.isInteger(value) ? ['number', 'integer'] : ['number'];
  return [typeof value];
}

export function resolve(document: JsonObject, reference: string): JsonObject {
  const found = reference
    .replace(/^#\//, '')
    .split('/')
    .reduce<JsonValue | undefined>((node, key) => (node as JsonObject | undefined)?.[key], document);
  if (typeof found !== 'object' || found === null) throw new Error(`${reference} leads nowhere`);
  return found as JsonObject;
}
