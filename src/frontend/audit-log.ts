// The audit of calls that change domains or the cluster. An entry is written, durably, before its call is done, and completed after it: what
// cannot be written down is not done, and a host that dies in between leaves an entry of unknown outcome. Refused attempts are kept too, but only
// so many a minute: they must not push out what happened.
import { ServiceError } from '#base';
import type { Counter, Env } from '#env';
import type { AuditEntry, AuditStore } from '#persistence';
import type { CallContext, Principal } from '#rpc';
import { auditJson } from './audit-json.ts';
import type { Snapshot } from './audit-snapshots.ts';

export interface AuditOptions {
  readonly keepMs: number;
  readonly countMax: number;
}

export const DEFAULT_AUDIT_OPTIONS: AuditOptions = { keepMs: 90 * 24 * 3600_000, countMax: 100_000 };

export interface AuditedCall {
  readonly operation: string;
  readonly domain: string;
  readonly request: unknown;
  readonly principal: Principal | undefined;
  readonly context: CallContext;
}

export interface AuditLog {
  around<R>(call: AuditedCall, work: () => Promise<R>): Promise<R>;
  /** A call that its caller may not make. Returns at once. */
  refused(call: AuditedCall): void;
}

const TRIM_EVERY = 100;
const REFUSALS_A_MINUTE = 60;
const TEXT_CHARS_MAX = 1000;
const UNKNOWN = 'unknown';

export function createAuditLog(
  deps: { readonly env: Env; readonly store: AuditStore; readonly snapshot: Snapshot },
  options: AuditOptions = DEFAULT_AUDIT_OPTIONS,
): AuditLog {
  return new StoreAuditLog(deps, options);
}

class StoreAuditLog implements AuditLog {
  readonly #env: Env;
  readonly #store: AuditStore;
  readonly #snapshot: Snapshot;
  readonly #options: AuditOptions;
  readonly #dropped: Counter;
  #appended = 0;
  #minute = 0;
  #refusalsOfMinute = 0;

  constructor(
    deps: { readonly env: Env; readonly store: AuditStore; readonly snapshot: Snapshot },
    options: AuditOptions,
  ) {
    this.#env = { ...deps.env, logger: deps.env.logger.child({ component: 'audit' }) };
    this.#store = deps.store;
    this.#snapshot = deps.snapshot;
    this.#options = options;
    this.#dropped = deps.env.metrics.counter(
      'antiphon_audit_dropped',
      'Refused attempts that were too many for the audit',
    );
  }

  async around<R>(call: AuditedCall, work: () => Promise<R>): Promise<R> {
    const { operation, domain, request } = call;
    const before = await this.#state(operation, domain, request);
    const id = await this.#append(this.#entryOf(call, UNKNOWN, before));
    try {
      const reply = await work();
      await this.#finish(id, {
        before,
        after: await this.#state(operation, domain, request),
        outcome: 'ok',
        message: '',
      });
      return reply;
    } catch (error) {
      const outcome = error instanceof ServiceError ? error.kind : 'error';
      const message = error instanceof ServiceError ? error.message.slice(0, TEXT_CHARS_MAX) : '';
      await this.#finish(id, { before, after: '', outcome, message });
      throw error;
    }
  }

  refused(call: AuditedCall): void {
    const minute = Math.floor(this.#env.clock.monotonicMs() / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#refusalsOfMinute = 0;
    }
    if (++this.#refusalsOfMinute > REFUSALS_A_MINUTE) {
      this.#dropped.inc();
      return;
    }
    this.#append(this.#entryOf(call, 'AccessDenied', '')).catch((error: unknown) => {
      this.#env.logger.error('a refused attempt is missing in the audit', { operation: call.operation, error });
    });
  }

  async #state(operation: string, domain: string, request: unknown): Promise<string> {
    const state = await this.#snapshot(operation, domain, request);
    return state === undefined ? '' : auditJson(state);
  }

  #entryOf(
    { operation, domain, request, principal, context }: AuditedCall,
    outcome: string,
    before: string,
  ): AuditEntry {
    return {
      timeMs: this.#env.clock.nowMs(),
      principal: context.isSystem ? 'system' : (principal?.name ?? '').slice(0, TEXT_CHARS_MAX),
      callerName: [context.callerName, context.caller.clientImpl].filter(Boolean).join(' ').slice(0, TEXT_CHARS_MAX),
      peer: context.peer,
      operation,
      domain: domain.slice(0, TEXT_CHARS_MAX),
      request: auditJson(request),
      before,
      after: '',
      outcome,
      message: '',
    };
  }

  async #append(entry: AuditEntry): Promise<number> {
    if (this.#appended++ % TRIM_EVERY === 0) {
      const { keepMs, countMax } = this.#options;
      await this.#store.trim({ beforeMs: entry.timeMs - keepMs, countMax });
    }
    return this.#store.append(entry);
  }

  /** The call has had its effect: an entry that cannot be completed keeps its unknown outcome, and the log has it. */
  async #finish(id: number, result: Parameters<AuditStore['finish']>[1]): Promise<void> {
    try {
      await this.#store.finish(id, result);
    } catch (error) {
      this.#env.logger.error('an audit entry is not completed', { auditId: id, outcome: result.outcome, error });
    }
  }
}
