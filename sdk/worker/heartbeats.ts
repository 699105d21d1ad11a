// Sends an activity's heartbeats: the first at once, then at most one per window of 0.8 × the heartbeat timeout, always with
// the latest details. The answer may say that the activity is to be cancelled.
import { type Payload, WorkerAPIService } from '@antiphon/proto';
import { encodeValues } from '../common/index.ts';
import { isRpcError, payloadOf, type ServiceCalls } from '../transport/index.ts';

const WINDOW_SHARE = 0.8;
const DEFAULT_TIMEOUT_MS = 600_000;

export interface HeartbeatOptions {
  readonly calls: ServiceCalls;
  readonly taskToken: Uint8Array;
  readonly identity: string;
  readonly heartbeatTimeoutMs: number;
  /** The service wants the activity to stop, or knows it no longer. */
  readonly onCancel: (reason: string) => void;
  readonly onError: (error: unknown) => void;
}

export interface Heartbeats {
  record(details: readonly unknown[]): void;
  /** Sends the last details again, for activities that beat by themselves. */
  repeat(): void;
  /** Ends the window; sends what is unsent when asked (an unsuccessful end keeps its last progress). */
  stop(flush: boolean): Promise<void>;
}

export function createHeartbeats(options: HeartbeatOptions): Heartbeats {
  const windowMs = WINDOW_SHARE * (options.heartbeatTimeoutMs || DEFAULT_TIMEOUT_MS);
  let latest: Payload | undefined;
  let isUnsent = false;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> = Promise.resolve();

  const send = async (): Promise<void> => {
    isUnsent = false;
    const request = { taskToken: options.taskToken, details: latest, identity: options.identity };
    try {
      const expiryMs = options.heartbeatTimeoutMs || DEFAULT_TIMEOUT_MS;
      const response = await options.calls.call(WorkerAPIService.recordActivityTaskHeartbeat, request, { expiryMs });
      if (response.cancelRequested) options.onCancel('cancel requested');
    } catch (error) {
      const isGone = isRpcError(error, 'EntityNotExists', 'WorkflowExecutionAlreadyCompleted', 'DomainNotActive');
      if (isGone) options.onCancel(error.message);
      else options.onError(error);
    }
  };
  const openWindow = (): void => {
    sending = send();
    timer = setTimeout(() => {
      timer = undefined;
      if (isUnsent && !isStopped) openWindow();
    }, windowMs);
    timer.unref();
  };
  const beat = (): void => {
    if (isStopped) return;
    isUnsent = true;
    if (!timer) openWindow();
  };
  return {
    record: (details) => {
      latest = payloadOf(encodeValues(details));
      beat();
    },
    repeat: beat,
    stop: async (flush) => {
      isStopped = true;
      clearTimeout(timer);
      await sending;
      if (flush && isUnsent) await send();
    },
  };
}
