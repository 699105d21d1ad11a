// Every limit of the engine, with its source (semantics §8.1). Dynamic config may override them per domain.

export interface Limits {
  readonly blobSizeBytesMax: number;
  readonly blobSizeBytesWarn: number;
  readonly historySizeBytesMax: number;
  readonly historyEventCountMax: number;
  readonly signalCountMax: number;
  /** Buffered events beyond which the decision in flight is failed (FORCE_CLOSE_DECISION). */
  readonly bufferedEventCountMax: number;
  readonly decisionAttemptsMax: number;
  readonly decisionTimeoutSecondsMax: number;
  readonly decisionHeartbeatTimeoutMs: number;
  readonly idLengthMax: number;
  readonly transactionSizeBytesMax: number;
  readonly searchAttributeCountMax: number;
  readonly searchAttributeValueBytesMax: number;
  readonly searchAttributesTotalBytesMax: number;
  readonly stickyTtlMs: number;
  readonly resetPointCountMax: number;
  readonly bufferedQueryCountMax: number;
}

export const DEFAULT_LIMITS: Limits = {
  blobSizeBytesMax: 2 * 1024 * 1024,
  blobSizeBytesWarn: 256 * 1024,
  historySizeBytesMax: 200 * 1024 * 1024,
  historyEventCountMax: 204_800,
  signalCountMax: 10_000,
  bufferedEventCountMax: 100,
  decisionAttemptsMax: 1000,
  decisionTimeoutSecondsMax: 240,
  decisionHeartbeatTimeoutMs: 30 * 60 * 1000,
  idLengthMax: 1000,
  transactionSizeBytesMax: 14 * 1024 * 1024,
  searchAttributeCountMax: 100,
  searchAttributeValueBytesMax: 2048,
  searchAttributesTotalBytesMax: 40 * 1024,
  stickyTtlMs: 365 * 24 * 3600 * 1000,
  resetPointCountMax: 20,
  bufferedQueryCountMax: 1,
};
