// How many workflows of a domain may be open at once. Counted in the visibility store, now and then and only for domains that have the limit,
// plus what was started since: a domain may go beyond by what other hosts let in between two counts, never for long.
import { limitExceeded } from '#base';
import { type DynamicConfig, OPEN_WORKFLOW_COUNT } from '#dynamicconfig';
import type { Env } from '#env';

export interface OpenWorkflowQuota {
  /** Before a start; throws LimitExceeded. A promise only when the domain was not counted yet. */
  require(domain: { readonly id: string; readonly name: string }): void | Promise<void>;
}

const RECOUNT_MS = 5000;
const DOMAINS_MAX = 10_000;

interface Tally {
  count: number;
  startedSince: number;
  countedMs: number;
  counting: Promise<void> | undefined;
}

export function createOpenWorkflowQuota(
  env: Env,
  config: DynamicConfig,
  countOpen: (domainId: string) => Promise<number>,
): OpenWorkflowQuota {
  const limit = config.property(OPEN_WORKFLOW_COUNT);
  const tallies = new Map<string, Tally>();

  const recount = (domainId: string, tally: Tally): Promise<void> => {
    tally.counting ??= countOpen(domainId)
      .then((count) => {
        tally.count = count;
        tally.startedSince = 0;
        tally.countedMs = env.clock.monotonicMs();
      })
      .catch((error: unknown) => {
        // A quota must not stop the work when it cannot be looked up: the count before holds on.
        env.logger.warn('open workflows of a domain cannot be counted', { domainId, error });
      })
      .finally(() => {
        tally.counting = undefined;
      });
    return tally.counting;
  };

  const admit = (tally: Tally, domainName: string, most: number): void => {
    const open = tally.count + tally.startedSince;
    if (open >= most) throw limitExceeded(`Domain ${domainName} has ${open} open workflows, and may have ${most}.`);
    tally.startedSince++;
  };

  return {
    require({ id, name }) {
      const most = limit.ofDomain(name);
      if (most === 0) return;
      const known = tallies.get(id);
      if (known !== undefined && env.clock.monotonicMs() - known.countedMs < RECOUNT_MS) {
        admit(known, name, most);
        return;
      }
      if (known === undefined && tallies.size >= DOMAINS_MAX) tallies.clear();
      const tally = known ?? { count: 0, startedSince: 0, countedMs: 0, counting: undefined };
      tallies.set(id, tally);
      return recount(id, tally).then(() => admit(tally, name, most));
    },
  };
}
