// tenant-isolation: nothing in a tenant's runs was put there by another tenant. Payloads, identities and reasons carry their tenant.
import type { HistoryEvent } from '@antiphon/proto';
import type { Violation } from '../support/checkers/index.ts';
import type { RegionAtRest } from './check-world.ts';

function marksOf({ attributes }: HistoryEvent): string[] {
  const value = attributes?.value as
    | {
        identity?: string;
        input?: { data: Uint8Array };
        result?: { data: Uint8Array };
        memo?: { fields: Record<string, { data: Uint8Array }> };
      }
    | undefined;
  if (value === undefined) return [];
  const marks: string[] = [];
  const payloads = [value.input, value.result];
  for (const payload of payloads) {
    const text = Buffer.from(payload?.data ?? []).toString();
    const tenant = /^\{"tenant":"(\w+)"/.exec(text)?.[1] ?? /^(\w+):/.exec(text)?.[1];
    if (tenant !== undefined) marks.push(tenant);
  }
  const identity = /^(\w+)\//.exec(value.identity ?? '')?.[1];
  if (identity !== undefined) marks.push(identity);
  const memo = value.memo?.fields.tenant;
  if (memo !== undefined) marks.push(Buffer.from(memo.data).toString());
  return marks;
}

export function checkTenants(regions: readonly RegionAtRest[], domainIds: ReadonlyMap<string, string>): Violation[] {
  const tenants = new Map([...domainIds].map(([name, id]) => [id, name]));
  const violations: Violation[] = [];
  for (const region of regions) {
    for (const run of region.all) {
      const owner = tenants.get(run.domainId) ?? 'nobody';
      for (const event of run.events) {
        const foreign = marksOf(event).find((mark) => mark !== owner);
        if (foreign === undefined) continue;
        violations.push({
          checker: 'tenant-isolation',
          workflowId: run.workflowId,
          story: `${region.name}: event ${event.eventId} of run ${run.runId} of ${owner} comes from ${foreign}`,
        });
      }
    }
  }
  return violations;
}
