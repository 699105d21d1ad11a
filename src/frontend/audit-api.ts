// AuditAPI: reading the audit, newest first. Page tokens are bound to their filter.
import { AuditRecord, type ListAuditRecordsRequest } from '@antiphon/proto/audit';
import { badRequest, featureNotEnabled } from '#base';
import { timestampOf } from '#core';
import type { AuditFilter, StoredAuditEntry } from '#persistence';
import type { Handlers, SERVICE_DEFINITIONS } from '#rpc';
import { boundToken, unboundToken } from './bound-token.ts';
import { msOfTimestamp } from './durations.ts';
import { ADMIN_CALL, type Pipeline } from './pipeline.ts';
import type { FrontendDeps } from './ports.ts';
import { pageSizeOf } from './request-checks.ts';

const PAGE_SIZE_MAX = 1000;

export function createAuditApi(
  { audit }: Pick<FrontendDeps, 'audit'>,
  { serve, byNothing }: Pipeline,
): Handlers<(typeof SERVICE_DEFINITIONS)['audit']> {
  return {
    listAuditRecords: serve('audit', 'listAuditRecords', ADMIN_CALL, byNothing, async (request) => {
      if (audit === undefined) throw featureNotEnabled('audit');
      const filter = filterOf(request);
      const subject = [JSON.stringify(filter)];
      const size = pageSizeOf(request.pageSize, PAGE_SIZE_MAX);
      const entries = await audit.list(filter, positionOf(unboundToken(subject, request.nextPageToken)), size);
      const last = entries.length === size ? String(entries.at(-1)?.id ?? '') : '';
      return { records: entries.map(recordOf), nextPageToken: boundToken(subject, Buffer.from(last)) };
    }),
  };
}

function filterOf(request: ListAuditRecordsRequest): AuditFilter {
  const { operation, domain, principal, outcome, earliestTime, latestTime } = request;
  const earliestMs = msOfTimestamp(earliestTime) ?? 0;
  const latestMs = msOfTimestamp(latestTime) ?? Number.MAX_SAFE_INTEGER;
  if (earliestMs > latestMs) throw badRequest('EarliestTime should not be later than LatestTime');
  return { operation, domain, principal, outcome, earliestMs, latestMs };
}

function positionOf(token: Uint8Array): number {
  if (token.length === 0) return Number.MAX_SAFE_INTEGER;
  const text = Buffer.from(token).toString('latin1');
  if (!/^\d{1,15}$/.test(text)) throw badRequest('Invalid NextPageToken.');
  return Number(text);
}

const recordOf = ({ id, timeMs, ...texts }: StoredAuditEntry): AuditRecord =>
  AuditRecord.fromPartial({ ...texts, id: BigInt(id), time: timestampOf(timeMs) });
