import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  decodeBase64,
  decodeFailure,
  decodeUtf8,
  decodeValues,
  durationToMs,
  durationToSeconds,
  encodeBase64,
  encodeFailure,
  encodeResult,
  encodeRetryPolicy,
  encodeUtf8,
  encodeValues,
  Failure,
  isCancellation,
  PanicFailure,
  TimeoutFailure,
} from '@antiphon/sdk/common';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('values as the Go client writes them', () => {
  test.each<[string, unknown[], string | undefined]>([
    ['no arguments', [], undefined],
    ['one string', ['a'], '"a"\n'],
    ['two arguments', ['a', 1], '"a"\n1\n'],
    ['an undefined argument keeps its place', [undefined, 2], 'null\n2\n'],
    ['an object', [{ b: [1, null] }], '{"b":[1,null]}\n'],
    ['bytes in a field are base64', [{ data: new Uint8Array([1, 2]) }], '{"data":"AQI="}\n'],
    ['a Buffer in a field too', [{ data: Buffer.from([1, 2]) }], '{"data":"AQI="}\n'],
  ])('%s', (_, values, encoded) => {
    expect(encodeValues(values)).toBe(encoded);
  });

  test('one lone byte array passes through raw, both ways', () => {
    const bytes = new Uint8Array([0xff, 0, 1]);
    expect(encodeValues([bytes])).toBe(bytes);
    expect(decodeValues(bytes)).toEqual([bytes]);
    expect(decodeValues('not json')).toEqual([encodeUtf8('not json')]);
  });

  test('a function that returns nothing has no payload, one that returns null has', () => {
    expect(encodeResult(undefined)).toBeUndefined();
    expect(encodeResult(null)).toBe('null\n');
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 10n])('%s is refused, because JSON has no such value', (value) => {
    expect(() => encodeValues([{ value }])).toThrow(/cannot send/);
  });

  test.each<[string, unknown[]]>([
    ['', []],
    ['"a"\n1\n', ['a', 1]],
    ['"a" 1', ['a', 1]],
    ['"a"1', ['a', 1]],
    ['{"a":"}"}[1,"]"]', [{ a: '}' }, [1, ']']]],
    ['"\\"x\\\\" true', ['"x\\', true]],
    ['truefalse null', [true, false, null]],
    ['-1.5e3 2', [-1500, 2]],
    ['\n\t {"a" : 1}\r\n', [{ a: 1 }]],
  ])('%j is read as Go reads a stream of values', (text, values) => {
    expect(decodeValues(text)).toEqual(values);
  });

  test('what was encoded is decoded, whatever the values and the space between them', () => {
    const separators = fc.constantFrom('', ' ', '\n', '\t\r\n ');
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { minLength: 1, maxLength: 5 }), separators, (values, separator) => {
        const clean = JSON.parse(JSON.stringify(values)) as unknown[];
        expect(decodeValues(encodeValues(clean))).toEqual(clean);
        const joined = clean.map((value) => JSON.stringify(value)).join(`\n${separator}`);
        expect(decodeValues(joined)).toEqual(clean);
      }),
    );
  });

  test('UTF-8 and base64 agree with those of Node', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array(), (text, bytes) => {
        expect(Buffer.from(encodeUtf8(text))).toEqual(Buffer.from(text));
        expect(decodeUtf8(encodeUtf8(text))).toBe(text);
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(Buffer.from(decodeBase64(encodeBase64(bytes)))).toEqual(Buffer.from(bytes));
      }),
    );
    expect(decodeUtf8(new Uint8Array([0xff]))).toBeUndefined();
  });
});

describe('durations', () => {
  test.each([
    [1500, 1500],
    ['10s', 10_000],
    ['1.5h', 5_400_000],
    ['2 minutes', 120_000],
    ['1 day', 86_400_000],
    ['250ms', 250],
    [{ hours: 1, seconds: 1 }, 3_601_000],
  ] as const)('%j is %d ms', (duration, ms) => {
    expect(durationToMs(duration)).toBe(ms);
  });

  test('are rounded up to the whole seconds of the wire', () => {
    expect([durationToSeconds(1), durationToSeconds(1000), durationToSeconds('1.2s'), durationToSeconds(0)]).toEqual([
      1, 1, 2, 0,
    ]);
  });

  test.each(['10', 'x', '1 fortnight', -1, Number.NaN, ''])('%j is refused', (duration) => {
    expect(() => durationToMs(duration as number)).toThrow(TypeError);
  });
});

describe('retry policies', () => {
  test('carry the reserved reason and whole seconds', () => {
    expect(encodeRetryPolicy({ maximumAttempts: 3, nonRetryableErrorTypes: ['Bad'] }, 60)).toEqual({
      initialSeconds: 1,
      backoffCoefficient: 2,
      maximumSeconds: 0,
      maximumAttempts: 3,
      expirationSeconds: 0,
      nonRetryableReasons: ['Bad', 'cadence:NonRetryable'],
    });
  });

  test('are bounded by the life of the caller, or refused', () => {
    expect(encodeRetryPolicy({}, 60).expirationSeconds).toBe(60);
    expect(() => encodeRetryPolicy({}, 0)).toThrow('a retry policy needs maximumAttempts or expirationInterval');
  });
});

describe('failures on the wire', () => {
  const roundTrip = (error: unknown): Failure => decodeFailure(encodeFailure(error));

  test('an ordinary error is Generic with its raw text, as in Go', () => {
    expect(encodeFailure(new Error('boom'))).toEqual({ reason: 'cadenceInternal:Generic', details: 'boom' });
    expect(encodeFailure('just text')).toEqual({ reason: 'cadenceInternal:Generic', details: 'just text' });
    expect(roundTrip(new Error('boom')).message).toBe('boom');
  });

  test("a named error's name is its reason, for retry policies", () => {
    const failure = roundTrip(new RangeError('too far'));
    expect(failure).toMatchObject({ type: 'RangeError', message: 'too far' });
  });

  test.each([
    new ApplicationFailure('no money', { type: 'Declined', details: [{ code: 5 }, 'x'] }),
    new ApplicationFailure('no money', { type: 'Declined' }),
    new ApplicationFailure('with details only', { details: [1] }),
    ApplicationFailure.nonRetryable('never', 'Fatal', 1, 2),
  ])('an application failure keeps type, message, details and retryability', (failure) => {
    const { message, type, details, nonRetryable } = failure;
    const decoded = roundTrip(failure);
    expect(decoded).toBeInstanceOf(ApplicationFailure);
    expect(decoded).toMatchObject({ message, type, details, nonRetryable });
  });

  test("Go's custom error is read with its details", () => {
    const failure = decodeFailure({ reason: 'my-reason', details: '"a"\n{"B":1}\n' });
    expect(failure).toMatchObject({ type: 'my-reason', details: ['a', { B: 1 }] });
  });

  test("Java's exception is read with its message", () => {
    const details = '{"detailMessage":"no","stackTrace":"at x","cause":null}';
    expect(decodeFailure({ reason: 'java.lang.IllegalStateException', details })).toMatchObject({
      type: 'java.lang.IllegalStateException',
      message: 'no',
    });
  });

  test('panic, timeout and cancellation have their reserved reasons', () => {
    const panic = decodeFailure({ reason: 'cadenceInternal:Panic', details: '"oops"\n"at main"\n' });
    expect(panic).toBeInstanceOf(PanicFailure);
    expect(panic).toMatchObject({ message: 'oops', remoteStack: 'at main' });
    expect(encodeFailure(new TimeoutFailure('HEARTBEAT', [3]))).toEqual({
      reason: 'cadenceInternal:Timeout HEARTBEAT',
      details: '3\n',
    });
    expect(roundTrip(new TimeoutFailure('HEARTBEAT', [3]))).toMatchObject({ timeoutType: 'HEARTBEAT', details: [3] });
    expect(roundTrip(new CancelledFailure('x', ['y']))).toBeInstanceOf(CancelledFailure);
  });

  test('wrappers travel as their cause, so that reasons survive every level', () => {
    const cause = new ApplicationFailure('no', { type: 'Refused' });
    const wrapped = new ChildWorkflowFailure('wf', 'id', undefined, new ActivityFailure('act', '1', cause));
    expect(encodeFailure(wrapped).reason).toBe('Refused');
  });

  test('the reserved prefix cannot be taken', () => {
    expect(() => new ApplicationFailure('x', { type: 'cadenceInternal:Generic' })).toThrow(TypeError);
  });

  test('instanceof works across realms and for subclasses', () => {
    const foreign = Object.create(null, { [Symbol.for('antiphon.failure.CancelledFailure')]: { value: true } });
    expect(foreign).toBeInstanceOf(CancelledFailure);
    expect(isCancellation(new ActivityFailure('a', '1', new CancelledFailure()))).toBe(true);
    class Own extends ApplicationFailure {}
    expect(new Own('x')).toBeInstanceOf(Failure);
    expect(new ApplicationFailure('x')).not.toBeInstanceOf(Own);
  });
});
