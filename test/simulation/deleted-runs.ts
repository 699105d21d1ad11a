// Retention under observation: what a run held when its history was deleted, and whether the archive had it by then. Sits around the real
// store, inside the faults, so it sees what is really deleted.
import { createArchiveInspector } from '#archival';
import type { BlobStores } from '#blob';
import type { WorkflowState } from '#core';
import type { Store } from '#persistence';
import type { MemoryImage } from '#persistence/memory';
import { archivedEvents } from '../support/checkers/index.ts';
import { readRuns, type StoredRun } from './stored-runs.ts';
import { ARCHIVE_URI } from './tenants.ts';

export interface DeletedRun extends StoredRun {
  /** Encoded events in the archive at that moment; undefined: none. */
  readonly archived: readonly string[] | undefined;
}

export interface DeletedRuns {
  readonly region: string;
  readonly runs: Map<string, DeletedRun>;
  observe(store: Store, image: MemoryImage, archive: { blobs: BlobStores; cluster: string }): Store;
}

export function watchDeletions(region: string): DeletedRuns {
  const runs = new Map<string, DeletedRun>();
  return {
    region,
    runs,
    observe(store, image, archive) {
      const inspector = createArchiveInspector(
        { blobs: archive.blobs, keyValues: store.keyValues },
        { cluster: archive.cluster },
      );
      const note = async (treeId: string, branchId: string): Promise<void> => {
        const affected = await readRuns(image, (state) => hasBranch(state, treeId, branchId));
        for (const run of affected) {
          // Read whole, or deleted in part already: then it was noted before.
          if (run.problem !== undefined || runs.has(run.runId)) continue;
          const { domainId, workflowId, runId } = run;
          const archived = await archivedEvents(inspector, { uri: ARCHIVE_URI, domainId }, { workflowId, runId });
          runs.set(runId, { ...run, archived });
        }
      };
      return {
        ...store,
        history: {
          ...store.history,
          async deleteBranch(branch) {
            await note(branch.treeId, branch.branchId);
            await store.history.deleteBranch(branch);
          },
        },
      };
    },
  };
}

const hasBranch = (state: WorkflowState, treeId: string, branchId: string): boolean =>
  state.versionHistories.histories.some(({ branch }) => branch?.treeId === treeId && branch.branchId === branchId);
