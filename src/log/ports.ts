// An ordered log between regions: at least once, in order per key. Drivers: embedded (durable, in the source's store, pulled over gRPC);
// kafka later.

export interface LogMessage {
  readonly offset: number;
  readonly key: string;
  readonly value: Uint8Array;
  /** When the source appended it. */
  readonly timeMs: number;
}

export interface LogPublisher {
  /** Durable when it resolves. Messages of one key keep their order. */
  publish(topic: string, messages: readonly { key: string; value: Uint8Array }[]): Promise<void>;
  partitionCount(topic: string): number;
  partitionOf(topic: string, key: string): number;
}

export interface LogPage {
  readonly messages: readonly LogMessage[];
  /** Where to go on from: nothing up to here is left to give, be it in `messages`, given before, or trimmed since another reader had it. */
  readonly reachedOffset: number;
  readonly lastOffset: number;
  readonly sourceTimeMs: number;
}

/** Reads one remote cluster's log. */
export interface LogSource {
  readonly sourceCluster: string;
  partitionCount(topic: string): Promise<number>;
  /** Messages after the offset, oldest first; waits up to `waitMs` for one. Passing `appliedOffset` lets the source trim. */
  fetch(
    topic: string,
    partition: number,
    position: { readonly afterOffset: number; readonly appliedOffset: number },
    options: { readonly limit: number; readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<LogPage>;
}

export const HISTORY_TOPIC = 'history';
export const DOMAIN_TOPIC = 'domain';
