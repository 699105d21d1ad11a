import { fromJson, type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadApiSchema } from '../../../src/gateway/api-schema.ts';
import { createPayloadForm, readableBytes } from '../../../src/gateway/payload-json.ts';

const schema = loadApiSchema();
const form = createPayloadForm();
const START = schema.message('uber.cadence.api.v1.StartWorkflowExecutionRequest');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const payload = (text: string) => ({ data: base64(text) });
const shown = (text: string): JsonValue => readableBytes(Buffer.from(text));

describe('a payload is shown', () => {
  test('as the JSON value it is', () => {
    expect(shown('{"a":[1,"x",null]}\n')).toEqual({ a: [1, 'x', null] });
    expect(shown('null')).toBeNull();
    expect(shown(' 1.5 ')).toBe(1.5);
  });
  test('as a list of values when it has one to a line', () => {
    expect(shown('"a"\n1\n{"b":2}\n')).toEqual({ '@values': ['a', 1, { b: 2 }] });
  });
  test('as its bytes when it is no JSON, or none that JavaScript can hold', () => {
    const asBytes = (text: string) => ({ '@base64': base64(text) });
    expect(readableBytes(Uint8Array.of(0xff, 0))).toEqual({ '@base64': '/wA=' });
    expect(shown('')).toEqual(asBytes(''));
    expect(shown('hello')).toEqual(asBytes('hello'));
    expect(shown('{"id":12345678901234567890}')).toEqual(asBytes('{"id":12345678901234567890}'));
    expect(shown('1e999')).toEqual(asBytes('1e999'));
    expect(shown('"a"\noops\n')).toEqual(asBytes('"a"\noops\n'));
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(shown(deep)).toEqual(asBytes(deep));
  });
  test('as its bytes when its value would be mistaken for one of the marked forms', () => {
    expect(shown('{"@base64":"aGk="}')).toEqual({ '@base64': base64('{"@base64":"aGk="}') });
    expect(shown('{"@values":[1]}')).toEqual({ '@base64': base64('{"@values":[1]}') });
  });
});

describe('a request in the readable form', () => {
  const encode = (request: JsonObject): JsonValue => toJson(START, fromJson(START, form.fromReadable(START, request)));
  test('becomes payloads wherever the message has some: fields, maps, by either name', () => {
    expect(
      encode({
        input: { order: 7 },
        memo: { fields: { note: 'hi', more: { '@values': [1, 2] } } },
        search_attributes: { indexed_fields: { CustomIntField: 5 } },
      }),
    ).toEqual({
      input: payload('{"order":7}'),
      memo: { fields: { note: payload('"hi"'), more: payload('1\n2\n') } },
      searchAttributes: { indexedFields: { CustomIntField: payload('5') } },
    });
  });
  test('takes bytes, null, and a key named __proto__ as they are', () => {
    expect(encode({ input: { '@base64': '/wA=' } })).toEqual({ input: { data: '/wA=' } });
    expect(encode({ input: null })).toEqual({ input: payload('null') });
    const request = JSON.parse('{"memo":{"fields":{"__proto__":1}},"input":{"__proto__":{"a":1}}}') as JsonObject;
    const form1 = form.fromReadable(START, request) as { memo: { fields: JsonObject }; input: JsonObject };
    expect(Object.entries(form1.memo.fields)).toEqual([['__proto__', payload('1')]]);
    expect(form1.input).toEqual(payload('{"__proto__":{"a":1}}'));
    expect(({} as { a?: number }).a).toBeUndefined();
  });
  test('refuses what would change on the way, naming where', () => {
    expect(() => encode({ memo: { fields: { id: 2 ** 60 } } })).toThrow(
      /^memo\.fields\.id cannot be a payload as it is/,
    );
    let deep: JsonValue = 1;
    for (let depth = 0; depth < 300; depth++) deep = [deep];
    expect(() => encode({ input: deep })).toThrow(/^input cannot be a payload as it is/);
    expect(() => encode({ input: { '@base64': 5 } })).toThrow('input: @base64 must be a string');
    expect(() => encode({ input: { '@values': 'x' } })).toThrow('@values a list');
  });
  test('leaves what is not as the message has it for the decoder to refuse', () => {
    expect(form.fromReadable(START, { memo: 5, searchAttributes: [1] })).toEqual({ memo: 5, searchAttributes: [1] });
  });
});

test('what is shown and sent back has the same values', () => {
  const Query = schema.message('uber.cadence.api.v1.WorkflowQuery');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      const json = { queryArgs: { data: Buffer.from(bytes).toString('base64') } };
      const there = form.toReadable(Query, json);
      const back = form.fromReadable(Query, there) as { queryArgs: { data: string } };
      expect(readableBytes(Buffer.from(back.queryArgs.data, 'base64'))).toEqual(readableBytes(bytes));
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      const there = form.toReadable(Query, { queryArgs: { data: base64(text) } });
      const back = form.fromReadable(Query, there) as { queryArgs: { data: string } };
      expect(JSON.parse(Buffer.from(back.queryArgs.data, 'base64').toString())).toEqual(JSON.parse(text));
    }),
  );
});
