// The input of a batch job, as Cadence's CLI writes it: Go's JSON of a struct, so names are capitalised, durations are nanoseconds and what was
// not given is null. `reset` and ResetParams are ours.
import { ApplicationFailure } from '@antiphon/sdk/activity';
import { RESET_TYPES, type ResetHow } from '#rpc';

export type BatchType = 'terminate' | 'cancel' | 'signal' | 'replicate' | 'reset';

export interface BatchParams {
  readonly DomainName: string;
  readonly Query: string;
  readonly Reason: string;
  readonly BatchType: BatchType;
  readonly TerminateParams?: { readonly TerminateChildren?: boolean | null } | null;
  readonly CancelParams?: { readonly CancelChildren?: boolean | null } | null;
  readonly SignalParams?: { readonly SignalName?: string; readonly Input?: string } | null;
  readonly ReplicateParams?: { readonly SourceCluster?: string; readonly TargetCluster?: string } | null;
  readonly ResetParams?: {
    readonly ResetType?: string;
    readonly SkipSignalReapply?: boolean;
    /** Of type BadBinary. */
    readonly BadBinaryChecksum?: string;
    /** Of type DecisionCompletedTime: RFC 3339. */
    readonly EarliestTime?: string;
  } | null;
  readonly RPS?: number;
  readonly Concurrency?: number;
  readonly PageSize?: number;
  readonly AttemptsOnRetryableError?: number;
  readonly ActivityHeartBeatTimeout?: number;
  readonly MaxActivityRetries?: number;
  readonly NonRetryableErrors?: readonly string[] | null;
}

/** What a job tells of itself while it runs, and its result. PageToken is base64: where the page that is being worked begins. */
export interface BatchProgress {
  readonly PageToken: string | null;
  readonly CurrentPage: number;
  readonly TotalEstimate: number;
  readonly SuccessCount: number;
  readonly ErrorCount: number;
}

/** A failure with this reason is never tried again: the CLI starts jobs with a retry policy that says so. */
export const NON_RETRIABLE = 'non-retriable-error';

const BATCH_TYPES: readonly BatchType[] = ['terminate', 'cancel', 'signal', 'replicate', 'reset'];
export interface BatchReset extends ResetHow {
  readonly skipSignalReapply: boolean;
}

const DEFAULTS = { rps: 50, concurrency: 5, pageSize: 1000, attempts: 50 };
const CONCURRENCY_MAX = 100;
const PAGE_SIZE_MAX = 1000;

export interface BatchJob {
  readonly domain: string;
  readonly query: string;
  readonly reason: string;
  readonly type: BatchType;
  readonly includesChildren: boolean;
  readonly signal: { readonly name: string; readonly input: string };
  readonly replicate: { readonly source: string; readonly target: string };
  /** Of batch type reset. */
  readonly reset: BatchReset | undefined;
  readonly rps: number;
  readonly concurrency: number;
  readonly pageSize: number;
  readonly attempts: number;
}

const refuse = (message: string): never => {
  throw new ApplicationFailure(message, { type: NON_RETRIABLE });
};

const positive = (value: number | undefined, otherwise: number, most = Number.POSITIVE_INFINITY): number =>
  Math.min(value !== undefined && value > 0 ? value : otherwise, most);

/** Throws a failure that is not retried when the parameters cannot be honoured. */
export function batchJob(params: Partial<BatchParams>): BatchJob {
  const { DomainName, Query, Reason, BatchType: type } = params;
  if (!type || !Reason || !DomainName || !Query) {
    return refuse('must provide required parameters: BatchType/Reason/DomainName/Query');
  }
  if (!BATCH_TYPES.includes(type)) refuse(`not supported batch type: ${type}`);
  const { SignalParams, ReplicateParams, ResetParams, TerminateParams, CancelParams } = params;
  if (type === 'signal' && !SignalParams?.SignalName) refuse('must provide signal name');
  if (type === 'replicate' && !ReplicateParams?.SourceCluster) refuse('must provide source cluster');
  if (type === 'replicate' && !ReplicateParams?.TargetCluster) refuse('must provide target cluster');
  const children = type === 'terminate' ? TerminateParams?.TerminateChildren : CancelParams?.CancelChildren;
  return {
    domain: DomainName,
    query: Query,
    reason: Reason,
    type,
    includesChildren: (type === 'terminate' || type === 'cancel') && (children ?? true),
    signal: { name: SignalParams?.SignalName ?? '', input: SignalParams?.Input ?? '' },
    replicate: { source: ReplicateParams?.SourceCluster ?? '', target: ReplicateParams?.TargetCluster ?? '' },
    reset: type === 'reset' ? resetOf(ResetParams ?? {}) : undefined,
    rps: positive(params.RPS, DEFAULTS.rps),
    concurrency: positive(params.Concurrency, DEFAULTS.concurrency, CONCURRENCY_MAX),
    pageSize: positive(params.PageSize, DEFAULTS.pageSize, PAGE_SIZE_MAX),
    attempts: positive(params.AttemptsOnRetryableError, DEFAULTS.attempts),
  };
}

function resetOf(params: NonNullable<BatchParams['ResetParams']>): BatchReset {
  const { ResetType, BadBinaryChecksum, EarliestTime } = params;
  const type = RESET_TYPES.find((known) => known === ResetType);
  if (type === undefined) return refuse(`reset type ${ResetType} is not one of ${RESET_TYPES.join(', ')}`);
  const earliestMs = Date.parse(EarliestTime ?? '');
  if (type === 'BadBinary' && !BadBinaryChecksum) refuse('reset type BadBinary needs BadBinaryChecksum');
  if (type === 'DecisionCompletedTime' && Number.isNaN(earliestMs)) {
    refuse('reset type DecisionCompletedTime needs EarliestTime, a time as 2026-01-31T06:00:00Z');
  }
  return {
    type,
    skipSignalReapply: params.SkipSignalReapply ?? false,
    decisionOffset: 0,
    badBinaryChecksum: BadBinaryChecksum ?? '',
    earliestMs: Number.isNaN(earliestMs) ? 0 : earliestMs,
  };
}
