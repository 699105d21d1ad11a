// What the consuming side needs of the rest of the server, beside HistoryClient.
import type { DomainTaskAttributes } from '@antiphon/proto/admin';
import type { DomainView } from '#core';
import type { FrontendClient } from '#rpc';

/** Applies a domain change of another region; idempotent, in any order. A throw that repeats sends it to the DLQ. */
export interface DomainTaskApplier {
  applyDomainTask(task: DomainTaskAttributes): Promise<void>;
}

/** Throws EntityNotExists for a domain that is not known (yet). */
export interface DomainLookup {
  byId(id: string): Promise<DomainView>;
}

/** The source region's raw histories, for gaps. */
export type RawHistoryClient = Pick<FrontendClient['admin'], 'getWorkflowExecutionRawHistoryV2'>;
