// Background work that one host does for all: which host that is, and telling it that there is something to do. Two hosts that each think it theirs
// for a moment do some of it twice, which is harmless: system workflows are ordinary workers' work, async requests count once by request id.
import type { Env } from '#env';
import type { Cluster } from './cluster.ts';

export interface WorkNotices {
  /** This host is the one that does it. */
  isMine(domainId: string, taskListName: string): boolean;
  /** Tells whoever does it. Returns at once. */
  notice(domainId: string, taskListName: string): void;
}

// A worker that runs needs no second word for a while; one that was lost is told again.
const QUIET_MS = 1_000;
const REMEMBERED_MAX = 10_000;

export function createWorkNotices(
  env: Env,
  cluster: Cluster,
  onOwn: (domainId: string, taskListName: string) => void,
): WorkNotices {
  const toldMs = new Map<string, number>();
  /** Until it is told, or another host is to do it. */
  const retry = (domainId: string, taskListName: string, key: string, error: unknown): void => {
    env.logger.debug('a host was not told of its work', { error });
    env.scheduler.after(QUIET_MS, () => {
      toldMs.delete(key);
      if (!cluster.isStopped) notice(domainId, taskListName);
    });
  };
  const ownerOf = (domainId: string, taskListName: string): string | undefined =>
    cluster.placement().jobOwner(`work/${domainId}/${taskListName}`);
  const notice = (domainId: string, taskListName: string): void => {
    const owner = ownerOf(domainId, taskListName);
    if (owner === cluster.self) {
      onOwn(domainId, taskListName);
      return;
    }
    const host = owner === undefined ? undefined : cluster.placement().host(owner);
    const key = `${owner} ${domainId} ${taskListName}`;
    const nowMs = env.clock.monotonicMs();
    if (host === undefined || nowMs < (toldMs.get(key) ?? Number.NEGATIVE_INFINITY) + QUIET_MS) return;
    if (toldMs.size >= REMEMBERED_MAX) toldMs.clear();
    toldMs.set(key, nowMs);
    cluster
      .peerOf(host)
      .noticeWork(domainId, taskListName)
      .catch((error: unknown) => retry(domainId, taskListName, key, error));
  };
  return { isMine: (domainId, taskListName) => ownerOf(domainId, taskListName) === cluster.self, notice };
}
