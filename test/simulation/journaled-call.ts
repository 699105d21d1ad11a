// Calls of simulated clients and workers: counted by their answer, and, where they change something, written into the journal with the
// retries that any SDK makes, under one request id.
import { ServiceError } from '#base';
import type { Journal, JournalEntry, Outcome } from '../support/checkers/index.ts';
import type { CommandKind, Coverage } from './coverage.ts';

// Answers that leave open whether it happened.
const UNKNOWN = new Set<ServiceError['kind']>([
  'Unavailable',
  'DeadlineExceeded',
  'Cancelled',
  'InternalService',
  'InternalDataInconsistency',
  'ShardOwnershipLost',
  'CurrentBranchChanged',
]);

/** The store said that nothing of it was written. */
const NOTHING_WRITTEN = /nothing was written/;

export function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof ServiceError)) return 'unknown';
  if (UNKNOWN.has(error.kind)) return NOTHING_WRITTEN.test(error.message) ? 'refused' : 'unknown';
  return 'refused';
}

/** Worth another attempt. */
const isRetryable = (error: unknown): boolean =>
  !(error instanceof ServiceError) || UNKNOWN.has(error.kind) || error.kind === 'ServiceBusy';

const kindOf = (error: unknown): string => (error instanceof ServiceError ? error.kind : String(error));

export interface WatchDeps {
  readonly journal: Journal;
  readonly coverage: Coverage;
  readonly sleep: (ms: number) => Promise<void>;
  readonly onDefect: (error: unknown) => void;
}

export class Watch {
  readonly #deps: WatchDeps;
  #duplicates = 0;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  /** The network delivered a call of this caller twice. */
  readonly noteDuplicate = (): void => {
    this.#duplicates++;
  };

  /** Background work: an error that nobody expects ends the run. */
  async guarded(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#deps.onDefect(error);
    }
  }

  /** undefined when it failed. */
  async attempt<T>(kind: CommandKind, call: () => Promise<T>): Promise<T | undefined> {
    try {
      const reply = await call();
      this.#deps.coverage.command(kind, 'ok');
      return reply;
    } catch (error) {
      this.#count(kind, error);
      return undefined;
    }
  }

  async retried<T>(kind: CommandKind, attempts: number, call: () => Promise<T>): Promise<T | undefined> {
    for (let tries = 0; tries < attempts; tries++) {
      try {
        const reply = await call();
        this.#deps.coverage.command(kind, 'ok');
        return reply;
      } catch (error) {
        this.#count(kind, error);
        if (!isRetryable(error)) return undefined;
        await this.#deps.sleep(200 * 2 ** tries);
      }
    }
    return undefined;
  }

  async journaled<T>(
    kind: CommandKind,
    entry: Omit<JournalEntry, 'outcome'>,
    attempts: number,
    call: () => Promise<T>,
    onRefusal?: (error: unknown) => void,
  ): Promise<T | undefined> {
    for (let tries = 0; tries < attempts; tries++) {
      const record = this.#deps.journal.begin(entry);
      const before = this.#duplicates;
      try {
        const reply = await call();
        record.outcome = 'acknowledged';
        record.runId = (reply as { runId?: string }).runId;
        this.#deps.coverage.command(kind, tries === 0 ? 'ok' : 'ok-retried');
        return reply;
      } catch (error) {
        this.#count(kind, error);
        record.outcome = outcomeOf(error);
        record.detail = `${kindOf(error)}: ${error instanceof Error ? error.message : ''}`;
        if (!isRetryable(error)) {
          onRefusal?.(error);
          return undefined;
        }
        await this.#deps.sleep(200 * 2 ** tries);
      } finally {
        record.isDuplicated = this.#duplicates !== before;
      }
    }
    return undefined;
  }

  #count(kind: CommandKind, error: unknown): void {
    this.#deps.coverage.command(kind, kindOf(error));
    if (!(error instanceof ServiceError)) this.#deps.onDefect(error);
  }
}
