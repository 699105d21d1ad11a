// What clients saw: every call with its answer, or "unknown" when none came. Checkers compare it with what the stores hold at rest.

export type Outcome = 'acknowledged' | 'refused' | 'unknown';

export interface JournalEntry {
  readonly operation: 'start' | 'signal' | 'cancel' | 'terminate' | 'reset' | 'completion';
  /** Name of the domain; absent where there is only one. */
  readonly domain?: string | undefined;
  readonly workflowId: string;
  /** Retries of one logical call share it. */
  readonly requestId: string;
  readonly signalName?: string | undefined;
  /** The run that the call named. */
  readonly namedRunId?: string | undefined;
  outcome: Outcome;
  /** It was delivered more than once: its answer does not tell all that happened. */
  isDuplicated?: boolean | undefined;
  runId?: string | undefined;
  /** Why it was refused, or what ended the unknown call. */
  detail?: string | undefined;
}

export class Journal {
  readonly entries: JournalEntry[] = [];

  begin(entry: Omit<JournalEntry, 'outcome'>): JournalEntry {
    const recorded: JournalEntry = { ...entry, outcome: 'unknown' };
    this.entries.push(recorded);
    return recorded;
  }

  count(outcome: Outcome): number {
    return this.entries.filter((entry) => entry.outcome === outcome).length;
  }
}
