// A workflow whose command breaks an invariant makes its shard load again from the store, in case the memory was wrong. If that does not help, the
// other workflows of the shard must not suffer: within some time it happens once.
import type { Clock } from '#env';

const QUIET_MS = 600_000;
const REMEMBERED_MAX = 10_000;

export function createReloadGuard(clock: Clock): (slotId: string) => boolean {
  const reloadedAtMs = new Map<string, number>();
  return (slotId) => {
    const nowMs = clock.monotonicMs();
    const lastMs = reloadedAtMs.get(slotId);
    if (lastMs !== undefined && nowMs - lastMs < QUIET_MS) return false;
    if (reloadedAtMs.size >= REMEMBERED_MAX) reloadedAtMs.clear();
    reloadedAtMs.set(slotId, nowMs);
    return true;
  };
}
