// The network between the hosts of one region: their calls on each other's shards and task lists, encoded both ways, late, lost, or answered to
// nobody, by the way the real listener and the real client treat them. Links can be cut in one direction.
import { cancelled, deadlineExceeded } from '#base';
import type { Scheduler } from '#env';
import {
  type CallOptions,
  createHostClient,
  createHostHandlers,
  errorFromFailure,
  failureFromError,
  type HostHandler,
  type HostServices,
  HostUnreachable,
} from '#rpc';
import type { Chance } from './chance.ts';
import type { Coverage } from './coverage.ts';
import type { SimHost } from './site.ts';

export interface HostLinkDeps {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly coverage: Coverage;
  readonly rates: () => { readonly lost: number; readonly answerLost: number; readonly delayed: number };
  /** Alive, whether or not clients still reach it. */
  readonly find: (hostId: string) => SimHost | undefined;
  readonly isCut: (from: string, to: string) => boolean;
}

export interface HostPeersOf {
  of(hostId: string): HostServices;
  keepOnly(hostIds: ReadonlySet<string>): void;
}

const TIMEOUT_MS = 4_000;

class HostCall {
  readonly #deps: HostLinkDeps;
  readonly #from: SimHost;
  readonly #to: string;
  readonly #hangUp = new AbortController();
  #isOver = false;
  #finish: (settle: () => void) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(deps: HostLinkDeps, from: SimHost, to: string) {
    this.#deps = deps;
    this.#from = from;
    this.#to = to;
  }

  /** The caller has let go of that host. */
  drop(): void {
    this.#finish(() => this.#reject(new HostUnreachable(`Host ${this.#to} has left`, true)));
  }

  run(path: string, encode: () => unknown, decode: (reply: unknown) => unknown, given: CallOptions): Promise<unknown> {
    const { chance, coverage, rates, scheduler, isCut } = this.#deps;
    const leftMs = given.deadlineMs === undefined ? TIMEOUT_MS : given.deadlineMs - this.#from.env.clock.nowMs();
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      const onAbort = (): void => this.#finish(() => reject(cancelled('The caller is gone')));
      // Of the caller: nothing happens in it while it stands still.
      const timer = this.#from.env.scheduler.after(Math.max(0, leftMs), () =>
        this.#finish(() => reject(deadlineExceeded('no answer came in time'))),
      );
      this.#finish = (settle) => {
        if (this.#isOver) return;
        this.#isOver = true;
        timer.cancel();
        given.signal?.removeEventListener('abort', onAbort);
        this.#hangUp.abort('over');
        settle();
      };
      if (given.signal?.aborted) return onAbort();
      given.signal?.addEventListener('abort', onAbort, { once: true });
      if (isCut(this.#from.name, this.#to)) {
        coverage.fault('host-link-cut');
        return;
      }
      if (chance.is(rates().lost)) {
        coverage.fault('host-message-lost');
        if (chance.is(0.5)) this.#finish(() => reject(new HostUnreachable('connection refused', false, true)));
        return;
      }
      const request = encode();
      scheduler.after(this.#delay(), () => void this.#deliver(path, request, leftMs, decode, resolve));
    });
  }

  #delay(): number {
    const { chance, coverage, rates } = this.#deps;
    if (!chance.is(rates().delayed)) return chance.between(0, 2);
    coverage.fault('host-message-delayed');
    return chance.between(5, 1_000);
  }

  async #deliver(
    path: string,
    request: unknown,
    leftMs: number,
    decode: (reply: unknown) => unknown,
    resolve: (value: unknown) => void,
  ): Promise<void> {
    const { chance, coverage, rates, find, isCut } = this.#deps;
    const host = find(this.#to);
    if (host === undefined) {
      this.#finish(() => this.#reject(new HostUnreachable('connection refused', false, true)));
      return;
    }
    let settle: () => void;
    try {
      // A host that stands still takes the message when it goes on.
      await Promise.race([new Promise<void>((go) => void host.env.scheduler.after(0, go)), host.death]);
      const deadlineMs = host.env.clock.nowMs() + leftMs;
      const handled = handlerOf(host, path).handle(request, { deadlineMs, signal: this.#hangUp.signal });
      const reply = decode(await Promise.race([handled, host.death]));
      settle = () => resolve(reply);
    } catch (error) {
      const seen = host.isAlive
        ? errorFromFailure(failureFromError(error))
        : new HostUnreachable('connection reset', true);
      settle = () => this.#reject(seen);
    }
    if (isCut(this.#to, this.#from.name)) return;
    if (chance.is(rates().answerLost)) {
      coverage.fault('host-answer-lost');
      return;
    }
    // The caller takes it when it is its turn.
    this.#from.env.scheduler.after(this.#delay(), () => this.#finish(settle));
  }
}

const handlers = new WeakMap<SimHost, ReadonlyMap<string, HostHandler>>();

function handlerOf(host: SimHost, path: string): HostHandler {
  let known = handlers.get(host);
  if (known === undefined) {
    const made = createHostHandlers(() => host.region.cluster?.own() ?? {});
    known = new Map(made.map((handler) => [handler.definition.path, handler]));
    handlers.set(host, known);
  }
  const found = known.get(path);
  if (found === undefined) throw new Error(`no handler for ${path}`);
  return found;
}

export function createHostPeersOf(deps: HostLinkDeps, from: () => SimHost): HostPeersOf {
  const peers = new Map<string, { readonly services: HostServices; readonly calls: Set<HostCall> }>();
  const connect = (to: string) => {
    const calls = new Set<HostCall>();
    const services = createHostClient(({ definition }, request, options) => {
      const call = new HostCall(deps, from(), to);
      calls.add(call);
      const encode = () => definition.requestDeserialize(definition.requestSerialize(request as never));
      const decode = (reply: unknown) => definition.responseDeserialize(definition.responseSerialize(reply as never));
      return call.run(definition.path, encode, decode, options).finally(() => calls.delete(call));
    });
    return { services, calls };
  };
  return {
    of(hostId) {
      let peer = peers.get(hostId);
      if (peer === undefined) {
        peer = connect(hostId);
        peers.set(hostId, peer);
      }
      return peer.services;
    },
    keepOnly(hostIds) {
      for (const [hostId, { calls }] of peers) {
        if (hostIds.has(hostId)) continue;
        peers.delete(hostId);
        for (const call of [...calls]) call.drop();
      }
    },
  };
}
