// Where a replicated batch belongs among a run's branches: the heart of convergence, decided by version histories alone, so that any order
// and any duplication of deliveries ends the same in every region. Pure. Cadence: service/history/ndc/branch_manager.go.
import type { VersionHistories, VersionHistoryItem } from '@antiphon/proto/internal';
import { dataInconsistency, required } from '#base';
import { currentVersionHistory, findBestBranch, isLcaAppendable } from '#core';
import type { ReplicatedBatch } from './replicated-batch.ts';

export type BranchDecision =
  /** The run has these events. */
  | { readonly kind: 'duplicate' }
  /** Events are missing between `from` (exclusive) and the batch. */
  | { readonly kind: 'gap'; readonly from: VersionHistoryItem }
  /** The batch continues the tip of this branch. */
  | { readonly kind: 'append'; readonly index: number; readonly outcome: BranchOutcome }
  /** The batch starts a new branch that leaves this one after `lca`. */
  | {
      readonly kind: 'fork';
      readonly index: number;
      readonly lca: VersionHistoryItem;
      readonly outcome: BranchOutcome;
    };

/**
 * `current`: the branch is the run's current one and stays it. `wins`: it becomes current, the state is rebuilt from it. `loses`: it is
 * kept beside the current one.
 */
export type BranchOutcome = 'current' | 'wins' | 'loses';

/** Higher version wins. Two branches never end with one version: only its cluster writes it, and a cluster has one current branch. */
function outcomeOf(histories: VersionHistories, version: number): BranchOutcome {
  const current = required(currentVersionHistory(histories).items.at(-1), 'the current branch has events');
  if (version === current.version) {
    throw dataInconsistency(`Two branches of one run have events of version ${version}.`);
  }
  return version > current.version ? 'wins' : 'loses';
}

export function decideBranch(histories: VersionHistories, batch: ReplicatedBatch): BranchDecision {
  const best = findBestBranch(histories, batch.items);
  if (best === undefined) throw dataInconsistency('A replicated batch shares no event with its run.');
  const { index, lca } = best;
  if (lca.eventId >= batch.lastEventId) return { kind: 'duplicate' };
  if (batch.firstEventId > lca.eventId + 1) return { kind: 'gap', from: lca };
  if (batch.firstEventId <= lca.eventId) {
    // A batch is written and sent whole, so a branch has all of it or none.
    throw dataInconsistency('A replicated batch overlaps the end of a branch.');
  }
  const branch = required(histories.histories[index], 'the best branch exists');
  if (!isLcaAppendable(branch.items, lca)) {
    return { kind: 'fork', index, lca, outcome: outcomeOf(histories, batch.version) };
  }
  const outcome = index === histories.currentIndex ? 'current' : outcomeOf(histories, batch.version);
  return { kind: 'append', index, outcome };
}
