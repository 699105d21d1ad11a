// What the audit keeps of a message: enough to understand a change, bounded, and nothing secret.
import { describe, expect, test } from 'vitest';
import { auditJson } from '../../../src/frontend/audit-json.ts';

describe('the JSON of the audit', () => {
  test('shows what was set', () => {
    const message = {
      name: 'shop',
      empty: '',
      list: [],
      count: 0,
      on: false,
      id: 12n,
      nested: { text: 'x', none: undefined },
    };
    expect(JSON.parse(auditJson(message))).toEqual({
      name: 'shop',
      count: 0,
      on: false,
      id: '12',
      nested: { text: 'x' },
    });
  });

  test('leaves out the values of secret fields, wherever they are', () => {
    const message = {
      securityToken: 'hush',
      data: { dbPassword: 'hush', team: 'blue' },
      list: [{ private_key: 'hush' }],
    };
    expect(auditJson(message)).not.toContain('hush');
    expect(JSON.parse(auditJson(message))).toMatchObject({ securityToken: '[redacted]', data: { team: 'blue' } });
  });

  test('shows short text of bytes, and of others only their number', () => {
    const message = {
      text: Buffer.from('{"limit":5}'),
      binary: Uint8Array.of(0xff, 0xfe, 0xfd),
      long: Buffer.alloc(5000, 'a'),
      secret: Buffer.from('abc'),
      json: Buffer.from('{"password":"hush"}'),
    };
    expect(JSON.parse(auditJson(message))).toEqual({
      text: '{"limit":5}',
      binary: '3 bytes',
      long: '5000 bytes',
      secret: '[redacted]',
      json: '[redacted]',
    });
  });

  test('is bounded in length and depth', () => {
    expect(auditJson({ text: 'x'.repeat(50_000) }).length).toBeLessThan(8_200);
    let deep: object = {};
    for (let i = 0; i < 10_000; i++) deep = { deep };
    expect(auditJson(deep)).toContain('…');
  });
});
