import { describe, expect, test } from 'vitest';
import { decodeQueryTaskToken, decodeTaskToken, encodeQueryTaskToken, encodeTaskToken } from '#rpc';

const token = {
  domainId: '0190-domain',
  workflowId: 'order "1" — ü',
  workflowType: 'Order',
  runId: 'run-1',
  scheduleId: 7,
  scheduleAttempt: 2,
  activityId: '5',
  activityType: 'pay',
};
const bytesOf = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

describe('task tokens', () => {
  test('survive the round trip', () => {
    expect(decodeTaskToken(encodeTaskToken(token))).toEqual(token);
    const query = { domainId: 'd', workflowId: 'w', runId: 'r', taskList: 'tl', taskId: 'q1' };
    expect(decodeQueryTaskToken(encodeQueryTaskToken(query))).toEqual(query);
  });

  test('a token that Cadence wrote is understood', () => {
    const text =
      '{"domainId":"d","workflowId":"w","workflowType":"","runId":"r","scheduleId":5,"scheduleAttempt":0,"activityId":"","activityType":""}';
    expect(decodeTaskToken(bytesOf(text))).toMatchObject({ domainId: 'd', scheduleId: 5, scheduleAttempt: 0 });
  });

  test('an empty token is not set', () => {
    expect(() => decodeTaskToken(new Uint8Array())).toThrow('Task token not set on request.');
  });

  test.each([
    ['not JSON', bytesOf('{')],
    ['invalid UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['null', bytesOf('null')],
    ['an array', bytesOf('[]')],
    ['no domain', bytesOf({ ...token, domainId: '' })],
    ['no run', bytesOf({ ...token, runId: undefined })],
    ['a number as workflow id', bytesOf({ ...token, workflowId: 5 })],
    ['a negative schedule id', bytesOf({ ...token, scheduleId: -23 })],
    ['a fractional schedule id', bytesOf({ ...token, scheduleId: 1.5 })],
    ['a huge schedule id', bytesOf({ ...token, scheduleId: 2 ** 60 })],
    ['a missing attempt', bytesOf({ ...token, scheduleAttempt: undefined })],
    ['an overflowing attempt', bytesOf({ ...token, scheduleAttempt: 2 ** 31 })],
    ['an object as activity id', bytesOf({ ...token, activityId: {} })],
    ['a megabyte', bytesOf({ ...token, workflowId: 'x'.repeat(1 << 20) })],
  ])('%s is refused', (_, bytes) => {
    expect(() => decodeTaskToken(bytes)).toThrow('Invalid TaskToken.');
  });

  test('an activity token is not a query token', () => {
    expect(() => decodeQueryTaskToken(encodeTaskToken(token))).toThrow('Invalid TaskToken.');
  });
});
