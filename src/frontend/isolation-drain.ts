// What a drained isolation group means to callers (semantics §3.6): starts and signals from it are refused, and polls of its workers wait, so that
// the zone's work runs out. Nothing of this where isolation is off for the domain.
import { badRequest } from '#base';
import type { DomainView } from '#core';
import type { IsolationGroups } from '#domains';
import { type Env, sleep } from '#env';
import type { CallContext, CallOptions } from '#rpc';

const RECHECK_MS = 30_000;
/** Share of a poll's time that it may be held. */
const HELD_SHARE = 0.95;

function isDrained(groups: IsolationGroups | undefined, domain: DomainView, group: string): boolean {
  return group !== '' && groups !== undefined && groups.isEnabled(domain.name) && groups.isDrained(domain.id, group);
}

export function refuseDrained(groups: IsolationGroups | undefined, domain: DomainView, context: CallContext): void {
  if (groups === undefined || !groups.isEnabled(domain.name)) return;
  const { isolationGroup } = context;
  if (!isDrained(groups, domain, isolationGroup)) return;
  throw badRequest(`Domain ${domain.name} is drained from isolation group ${isolationGroup}.`);
}

/** True at once when the group is served; false when the poll's time is over or its caller gone before it is again. */
export async function waitUntilServed(
  env: Env,
  groups: IsolationGroups | undefined,
  domain: DomainView,
  isolationGroup: string,
  { deadlineMs, signal }: CallOptions,
): Promise<boolean> {
  if (!isDrained(groups, domain, isolationGroup)) return true;
  const startMs = env.clock.nowMs();
  const untilMs = startMs + ((deadlineMs ?? startMs + RECHECK_MS) - startMs) * HELD_SHARE;
  while (!signal?.aborted && env.clock.nowMs() < untilMs) {
    await sleep(env.scheduler, Math.min(RECHECK_MS, untilMs - env.clock.nowMs()), signal);
    if (!isDrained(groups, domain, isolationGroup)) return !signal?.aborted && env.clock.nowMs() < untilMs;
  }
  return false;
}
