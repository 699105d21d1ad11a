// The network between clients, hosts and regions: every call is a message there and an answer back, each of which may be late, lost or come
// twice. Requests cross it encoded, so that nobody shares an object with another process. A call without an answer ends at its deadline.
import { deadlineExceeded, StoreError, unavailable } from '#base';
import {
  type FrontendClient,
  METADATA,
  mapServices,
  type RemoteCallOptions,
  SERVICE_DEFINITIONS,
  type UnaryDefinition,
} from '#rpc';
import type { Chance } from './chance.ts';
import type { Coverage, FaultKind } from './coverage.ts';
import type { SimHost } from './site.ts';

export interface NetworkFaults {
  readonly lost: () => boolean;
  readonly answerLost: () => boolean;
  readonly delayed: () => boolean;
  readonly duplicated: () => boolean;
  readonly lateDuplicate: () => boolean;
  /** Nothing passes at all now. */
  readonly isCut: () => boolean;
  readonly isAnswerCut: () => boolean;
  readonly kinds: Readonly<Record<'lost' | 'answerLost' | 'delayed', FaultKind>>;
}

interface Link {
  readonly scheduler: { after(delayMs: number, callback: () => void): { cancel(): void } };
  readonly nowMs: () => number;
  readonly chance: Chance;
  readonly coverage: Coverage;
  readonly faults: NetworkFaults;
  /** The host that the next message reaches; undefined: nobody listens. */
  readonly target: () => SimHost | undefined;
  /** Told when a call was delivered twice: its answer does not tell all that happened. */
  readonly onDuplicated?: (() => void) | undefined;
  /** May change what comes back. */
  readonly answer?: ((path: string, reply: unknown) => unknown) | undefined;
}

// A reason given costs no stack trace.
const ANSWERED = 'answered';
const DEFAULT_TIMEOUT_MS = 4_000;

type Method = (request: unknown, options: RemoteCallOptions) => Promise<unknown>;

const METHODS: ReadonlyMap<string, readonly [service: string, method: string]> = new Map(
  Object.entries(SERVICE_DEFINITIONS).flatMap(([service, definitions]) =>
    Object.entries<UnaryDefinition>(definitions).map(([method, { path }]) => [path, [service, method]] as const),
  ),
);

function methodOf(client: FrontendClient, path: string): Method {
  const [service = '', method = ''] = METHODS.get(path) ?? [];
  const services = client as unknown as Readonly<Record<string, Readonly<Record<string, Method>>>>;
  const found = services[service]?.[method];
  if (found === undefined) throw new Error(`no method for ${path}`);
  return found;
}

const copied = (definition: UnaryDefinition, request: unknown): unknown =>
  definition.requestDeserialize(definition.requestSerialize(request as never));

class Call {
  readonly #link: Link;
  readonly #definition: UnaryDefinition;
  readonly #request: unknown;
  readonly #options: RemoteCallOptions;
  readonly #deadlineMs: number;
  readonly #abort = new AbortController();
  #isOver = false;

  constructor(link: Link, definition: UnaryDefinition, request: unknown, options: RemoteCallOptions) {
    this.#link = link;
    this.#definition = definition;
    this.#request = request;
    this.#options = options;
    this.#deadlineMs = options.deadlineMs ?? link.nowMs() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  }

  run(): Promise<unknown> {
    const { scheduler, nowMs, faults, chance, coverage } = this.#link;
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        if (this.#isOver) return;
        this.#isOver = true;
        timer.cancel();
        this.#options.signal?.removeEventListener('abort', giveUp);
        this.#abort.abort(ANSWERED);
        settle();
      };
      const giveUp = (): void => finish(() => reject(deadlineExceeded('given up')));
      const timer = scheduler.after(this.#deadlineMs - nowMs(), () =>
        finish(() => reject(deadlineExceeded('no answer came in time'))),
      );
      this.#options.signal?.addEventListener('abort', giveUp, { once: true });
      const answered = (outcome: () => void): void => finish(outcome);
      if (faults.isCut()) return;
      if (faults.lost()) {
        coverage.fault(faults.kinds.lost);
        // A refused connection is noticed at once, a lost packet is not.
        if (chance.is(0.5)) answered(() => reject(unavailable('connection refused')));
        return;
      }
      const delayMs = this.#delay();
      scheduler.after(delayMs, () => void this.#deliver(resolve, reject, answered, this.#abort.signal));
      const isLate = faults.lateDuplicate();
      if (isLate || faults.duplicated()) {
        coverage.fault(isLate ? 'message-late-duplicate' : 'message-duplicated');
        this.#link.onDuplicated?.();
        const laterMs = delayMs + (isLate ? chance.between(1_000, 6_000) : chance.between(0, 50));
        scheduler.after(laterMs, () => void this.#deliver(noop, noop, noop, undefined));
      }
    });
  }

  #delay(): number {
    const { chance, faults, coverage } = this.#link;
    if (!faults.delayed()) return chance.between(0, 3);
    coverage.fault(faults.kinds.delayed);
    return chance.between(10, 2_000);
  }

  async #deliver(
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    answered: (outcome: () => void) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { target, scheduler, faults, coverage } = this.#link;
    const host = target();
    if (host === undefined) {
      answered(() => reject(unavailable('connection refused')));
      return;
    }
    let outcome: () => void;
    try {
      const reply = await this.#handle(host, signal);
      const changed = this.#link.answer?.(this.#definition.path, reply) ?? reply;
      outcome = () => resolve(changed);
    } catch (error) {
      // As the gRPC edge answers it.
      const seen = error instanceof StoreError ? unavailable(`${error.name}: ${error.message}`) : error;
      outcome = () => reject(seen);
    }
    if (faults.isAnswerCut()) return;
    if (faults.answerLost()) {
      coverage.fault(faults.kinds.answerLost);
      return;
    }
    scheduler.after(this.#delay(), () => answered(outcome));
  }

  async #handle(host: SimHost, signal: AbortSignal | undefined): Promise<unknown> {
    const forwardedBy = this.#options.metadata?.get(METADATA.forwardingCluster)[0]?.toString() ?? '';
    const method = methodOf(host.client(forwardedBy), this.#definition.path);
    const request = copied(this.#definition, this.#request);
    // Deadlines travel as the time that is left: clocks of two machines are not compared.
    const timeoutMs = this.#deadlineMs - this.#link.nowMs();
    const handled = method(request, { timeoutMs, ...(signal === undefined ? {} : { signal }) });
    return Promise.race([handled, host.death]);
  }
}

const noop = (): void => {};

/** A client whose every call crosses the link. */
export function createNetworkClient(link: Link): FrontendClient {
  return mapServices(
    (definition: UnaryDefinition) =>
      (request: unknown, options: RemoteCallOptions = {}): Promise<unknown> =>
        new Call(link, definition, request, options).run(),
  );
}
