// The caller's end of the calls to one host: one stream carries them all, and what is called within one turn goes as one message. A call of its own
// in gRPC costs as much processor time as most of what hosts ask each other. The stream is gRPC's: its connection, TLS and keepalive stay.
// Invariants: a call ends once, with its answer or with the end of the link; what was never written to the stream is said to be unsent.
import type { HostAnswers, HostCall, HostCallId, HostCalls } from '@antiphon/proto/internal';
import type { ClientDuplexStream, ServiceError as GrpcError } from '@grpc/grpc-js';
import type { Env } from '#env';
import { errorFromFailure } from './internal-errors.ts';
import { SHARED_MESSAGE_BYTES } from './link-limits.ts';
import { onceATurn } from './once-a-turn.ts';

export interface LinkCall {
  answered(reply: Uint8Array): void;
  /** By the host. */
  failed(error: Error): void;
  /** The link ended before. */
  lost(loss: Loss): void;
}

export interface Loss {
  readonly reason: string;
  /** False: the host has certainly not seen the call. */
  readonly wasSent: boolean;
  /** Nobody listens at the host's address. */
  readonly isRefused: boolean;
}

export type HostStream = ClientDuplexStream<HostCalls, HostAnswers>;

const NEVER_SENT = /^No connection established/;
const REFUSED = /\bECONNREFUSED\b/;

export class HostLink {
  readonly #flushSoon: () => void;
  readonly #stream: HostStream;
  readonly #onOver: () => void;
  readonly #calls = new Map<number, LinkCall>();
  #outgoing: HostCall[] = [];
  #cancelled: HostCallId[] = [];
  #outgoingBytes = 0;
  #lastId = 0;
  #isOver = false;
  #isLeft = false;

  constructor(env: Env, stream: HostStream, onOver: () => void) {
    this.#flushSoon = onceATurn(env, () => this.#flush());
    this.#stream = stream;
    this.#onOver = onOver;
    stream.on('data', (message: HostAnswers) => this.#receive(message));
    stream.on('error', ({ details }: GrpcError) => this.#end(lossOf(details)));
    stream.on('end', () => this.#end(lossOf('the host has ended the connection')));
  }

  /** It takes calls. */
  get isOpen(): boolean {
    return !this.#isOver && !this.#isLeft;
  }

  /** Returns how to withdraw it: the host is told, and `call` hears nothing more. */
  call(path: string, request: Uint8Array, timeoutMs: number, call: LinkCall): () => void {
    const id = ++this.#lastId;
    this.#calls.set(id, call);
    this.#outgoing.push({ id, path, timeoutMs, request });
    this.#outgoingBytes += request.length;
    if (this.#outgoingBytes >= SHARED_MESSAGE_BYTES) this.#flush();
    else this.#flushSoon();
    return () => {
      if (!this.#calls.delete(id)) return;
      this.#cancelled.push({ id });
      this.#flushSoon();
    };
  }

  /** What is under way is lost. */
  close(reason: string): void {
    this.#end(lossOf(reason));
    this.#stream.cancel();
  }

  #receive({ answers, isLeaving }: HostAnswers): void {
    for (const { id, outcome } of answers) {
      const call = this.#calls.get(id);
      // Withdrawn in the meantime.
      if (call === undefined) continue;
      this.#calls.delete(id);
      if (outcome?.$case === 'failure') call.failed(errorFromFailure(outcome.value));
      else call.answered(outcome?.value ?? new Uint8Array());
    }
    if (!isLeaving || this.#isLeft) return;
    this.#flush();
    this.#isLeft = true;
    // Answers still come.
    this.#stream.end();
  }

  #flush(): void {
    if (this.#isOver || this.#isLeft || (this.#outgoing.length === 0 && this.#cancelled.length === 0)) return;
    const message: HostCalls = { calls: this.#outgoing, cancelled: this.#cancelled };
    this.#outgoing = [];
    this.#cancelled = [];
    this.#outgoingBytes = 0;
    this.#stream.write(message);
  }

  #end(loss: Loss): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
    const unsent = new Set(this.#outgoing.map(({ id }) => id));
    const calls = [...this.#calls];
    this.#calls.clear();
    this.#outgoing = [];
    for (const [id, call] of calls) call.lost(unsent.has(id) ? { ...loss, wasSent: false } : loss);
  }
}

function lossOf(reason: string): Loss {
  const wasSent = !NEVER_SENT.test(reason);
  return { reason, wasSent, isRefused: !wasSent && REFUSED.test(reason) };
}
