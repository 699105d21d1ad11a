// The state of one run: what `evolve` builds from events, and beside it the few facts that no event records (attempts, heartbeat details,
// transient decisions, buffered events, sticky binding). A state is a value: commands make a new one and leave the old one as it was,
// copying only the parts they touch (see draft.ts), so a refused or failed command costs nothing to undo.
import type { HistoryEvent } from '@antiphon/proto';
import type {
  ActivityInfo,
  ChildInfo,
  ExecutionInfo,
  RequestCancelInfo,
  SignalInfo,
  TimerInfo,
  VersionHistories,
} from '@antiphon/proto/internal';

export interface WorkflowState {
  readonly info: Readonly<ExecutionInfo>;
  /** By schedule id. */
  readonly activities: ReadonlyMap<number, Readonly<ActivityInfo>>;
  /** By timer id. */
  readonly timers: ReadonlyMap<string, Readonly<TimerInfo>>;
  /** By initiated id, as are the two below. */
  readonly children: ReadonlyMap<number, Readonly<ChildInfo>>;
  readonly requestCancels: ReadonlyMap<number, Readonly<RequestCancelInfo>>;
  readonly signals: ReadonlyMap<number, Readonly<SignalInfo>>;
  /** Request ids of the signals this run has taken; grows until the run ends. Stored as rows of their own. */
  readonly signalRequestIds: ReadonlySet<string>;
  /** Events that wait for the decision in flight to close (semantics §2.3), in arrival order, event id -123. */
  readonly bufferedEvents: readonly HistoryEvent[];
  readonly versionHistories: Readonly<VersionHistories>;
}
