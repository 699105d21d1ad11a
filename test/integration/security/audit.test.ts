// Who changed what: every call that changes domains or the cluster is in the audit, with its state before and after, and without secrets.
import { EncodingType, UpdateDomainRequest } from '@antiphon/proto';
import { UpdateDynamicConfigRequest } from '@antiphon/proto/admin';
import { type AuditRecord, ListAuditRecordsRequest } from '@antiphon/proto/audit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleCli, type Cli } from '../../support/cli.ts';
import { until } from '../../support/security/certificates.ts';
import { type SecureServer, startSecureServer } from '../../support/security/secure-server.ts';

let server: SecureServer;
let cli: Cli;
beforeAll(async () => {
  server = await startSecureServer({ domains: { failoverCoolDownMs: 0 }, audit: { maxRecords: 150 } });
  cli = await bundleCli({ ANTIPHON_ADDRESS: server.running.address, ANTIPHON_JWT: await server.token('admin') });
});
afterAll(async () => {
  cli.remove();
  await server.stop();
});

async function records(filter: Partial<ListAuditRecordsRequest> = {}): Promise<AuditRecord[]> {
  const request = ListAuditRecordsRequest.fromPartial(filter);
  return (await server.client('admin').audit.listAuditRecords(request)).records;
}
const update = (fields: Partial<UpdateDomainRequest>) =>
  UpdateDomainRequest.fromPartial({ name: 'shop', updateMask: ['description'], ...fields });

describe('the audit', () => {
  test('has who, from where, what, before and after', async () => {
    await server.client('admin').domain.updateDomain(update({ description: 'new text', securityToken: 'hush-hush' }));
    const [record] = await records({ domain: 'shop' });
    expect(record).toMatchObject({ principal: 'root', operation: 'UpdateDomain', domain: 'shop', outcome: 'ok' });
    expect(record?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(record?.callerName).toContain('antiphon');
    expect(Math.abs(Number(record?.time?.seconds ?? 0n) - Date.now() / 1000)).toBeLessThan(60);
    expect(JSON.parse(record?.request ?? '')).toMatchObject({ name: 'shop', description: 'new text' });
    expect(JSON.parse(record?.before ?? '').description).toBe(undefined);
    expect(JSON.parse(record?.after ?? '').description).toBe('new text');
    expect(JSON.stringify(record, (_, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(
      'hush',
    );
  });

  test('has a registration without a before, and its failure', async () => {
    const [record] = await records({ operation: 'RegisterDomain', domain: 'shop' });
    expect(record).toMatchObject({ before: '', outcome: 'ok' });
    expect(JSON.parse(record?.after ?? '').name).toBe('shop');
    await expect(server.client('admin').domain.deleteDomain({ name: 'shop', securityToken: '' })).rejects.toMatchObject(
      { kind: 'BadRequest' },
    );
    expect((await records({ operation: 'DeleteDomain' }))[0]).toMatchObject({
      outcome: 'BadRequest',
      message: 'Domain is not in a deprecated state.',
    });
  });

  test('has changes of dynamic config with their values', async () => {
    const data = Buffer.from('1234');
    await server.client('admin').admin.updateDynamicConfig(
      UpdateDynamicConfigRequest.fromPartial({
        configName: 'frontend.domainrps',
        configValues: [{ value: { encodingType: EncodingType.ENCODING_TYPE_JSON, data }, filters: [] }],
      }),
    );
    const [record] = await records({ operation: 'UpdateDynamicConfig' });
    expect(record?.request).toContain('"1234"');
    expect(record?.before).not.toContain('1234');
    expect(record?.after).toContain('1234');
  });

  test('has attempts of known callers that were refused, and none of strangers', async () => {
    for (const role of ['writer', 'no token', 'wrong signature'] as const) {
      await expect(server.client(role).domain.updateDomain(update({ description: role }))).rejects.toMatchObject({
        kind: 'AccessDenied',
      });
    }
    await until(async () => (await records({ outcome: 'AccessDenied' })).length > 0);
    const refused = await records({ outcome: 'AccessDenied' });
    expect(refused.map(({ principal, operation, domain }) => [principal, operation, domain])).toEqual([
      ['writer', 'UpdateDomain', 'shop'],
    ]);
  });

  test('is not filled by calls that change nothing', async () => {
    const before = (await records()).length;
    await server.client('admin').domain.listDomains({ pageSize: 1, nextPageToken: new Uint8Array() });
    await server.client('admin').admin.describeCluster({});
    expect(await records()).toHaveLength(before);
  });

  test('is read page by page, with tokens that count for their filter only', async () => {
    const admin = server.client('admin').audit;
    const first = await admin.listAuditRecords(ListAuditRecordsRequest.fromPartial({ pageSize: 1 }));
    const next = ListAuditRecordsRequest.fromPartial({ pageSize: 1, nextPageToken: first.nextPageToken });
    const second = await admin.listAuditRecords(next);
    expect(Number(second.records[0]?.id)).toBeLessThan(Number(first.records[0]?.id));
    await expect(admin.listAuditRecords({ ...next, domain: 'shop' })).rejects.toMatchObject({
      message: 'Invalid NextPageToken.',
    });
    await expect(server.client('writer').audit.listAuditRecords(next)).rejects.toMatchObject({ kind: 'AccessDenied' });
  });

  test('is bounded', async () => {
    for (let i = 0; i < 260; i++) {
      await server.client('admin').domain.updateDomain(update({ description: `text ${i}` }));
    }
    const kept = await records({ pageSize: 1000 });
    expect(kept.length).toBeGreaterThanOrEqual(150);
    expect(kept.length).toBeLessThan(250);
    expect(JSON.parse(kept[0]?.after ?? '').description).toBe('text 259');
  });

  test('is shown by the command line', async () => {
    const table = await cli.run('audit', 'list', '--limit', '2');
    expect(table.stdout).toContain('UpdateDomain');
    expect(table.stdout).toContain('root');
    const lines = await cli.run('audit', 'list', '--operation', 'UpdateDomain', '--limit', '3', '-o', 'jsonl');
    const [first] = lines.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(first).toMatchObject({ who: 'root', domain: 'shop', outcome: 'ok', after: { description: 'text 259' } });
    expect(lines.stdout.trim().split('\n')).toHaveLength(3);
    const none = await cli.run('audit', 'list', '--who', 'nobody-at-all');
    expect(none.stdout).toContain('Nothing was changed');
  });
});
