// The called host's end of a stream of calls (host-link.ts). Each call is answered once, answers of one turn go as one message, and the end of the
// stream is the hang-up of all its callers. When the host is about to stop it says so, and ends the stream once everything is answered.
import type { ErrorDetail, HostAnswer, HostAnswers, HostCall, HostCalls } from '@antiphon/proto/internal';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Env, TimerHandle } from '#env';
import type { CallOptions } from './clients.ts';
import { failureFromError } from './internal-errors.ts';
import { CALL_BYTES_MAX, callTooLarge, SHARED_MESSAGE_BYTES } from './link-limits.ts';
import { onceATurn } from './once-a-turn.ts';

/** Answers a call with an encoded reply; what it rejects with goes to the caller as it is. */
export type ServeCall = (path: string, request: Uint8Array, call: CallOptions) => Promise<Uint8Array>;

/** The caller's deadline and hang-up; a signal is made when somebody looks. */
class ServedCall implements CallOptions {
  readonly deadlineMs: number | undefined;
  readonly #env: Env;
  #controller: AbortController | undefined;
  #deadline: TimerHandle | undefined;
  #isAborted = false;

  constructor(env: Env, timeoutMs: number) {
    this.#env = env;
    this.deadlineMs = timeoutMs > 0 ? env.clock.nowMs() + timeoutMs : undefined;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort();
      else if (this.deadlineMs !== undefined) {
        const leftMs = Math.max(0, this.deadlineMs - this.#env.clock.nowMs());
        this.#deadline = this.#env.scheduler.after(leftMs, () => this.abort());
      }
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.#isAborted = true;
    this.settle();
    this.#controller?.abort();
  }

  /** It was answered. */
  settle(): void {
    this.#deadline?.cancel();
  }
}

export class ServedLink {
  readonly #env: Env;
  readonly #stream: ServerDuplexStream<HostCalls, HostAnswers>;
  readonly #serve: ServeCall;
  readonly #flushSoon: () => void;
  readonly #calls = new Map<number, ServedCall>();
  #answers: HostAnswer[] = [];
  #bytes = 0;
  #isLeaving = false;
  /** The caller makes no more calls. */
  #isHalfClosed = false;
  #isOver = false;

  constructor(env: Env, stream: ServerDuplexStream<HostCalls, HostAnswers>, serve: ServeCall, onOver: () => void) {
    this.#env = env;
    this.#stream = stream;
    this.#serve = serve;
    this.#flushSoon = onceATurn(env, () => this.#flush());
    const over = (): void => {
      if (this.#isOver) return;
      this.#isOver = true;
      for (const call of this.#calls.values()) call.abort();
      this.#calls.clear();
      onOver();
    };
    stream.on('data', (message: HostCalls) => this.#receive(message));
    stream.on('end', () => {
      this.#isHalfClosed = true;
      this.#endIfDone();
    });
    stream.on('cancelled', over);
    stream.on('error', over);
    stream.on('close', over);
  }

  /** The host stops: no new calls on this stream. */
  leave(): void {
    this.#isLeaving = true;
    this.#flush();
  }

  #receive({ calls, cancelled }: HostCalls): void {
    for (const call of calls) this.#take(call);
    for (const { id } of cancelled) this.#calls.get(id)?.abort();
  }

  #take({ id, path, timeoutMs, request }: HostCall): void {
    const call = new ServedCall(this.#env, timeoutMs);
    this.#calls.set(id, call);
    this.#serve(path, request, call).then(
      (reply) => {
        if (reply.length > CALL_BYTES_MAX) {
          this.#fail(id, failureFromError(callTooLarge(path, reply.length)));
        } else this.#answer({ id, outcome: { $case: 'reply', value: reply } }, reply.length);
      },
      (error: unknown) => this.#fail(id, failureFromError(error)),
    );
  }

  #fail(id: number, failure: ErrorDetail): void {
    this.#answer({ id, outcome: { $case: 'failure', value: failure } }, failure.message.length);
  }

  #answer(answer: HostAnswer, bytes: number): void {
    this.#calls.get(answer.id)?.settle();
    this.#calls.delete(answer.id);
    if (this.#isOver) return;
    if (this.#bytes + bytes > SHARED_MESSAGE_BYTES) this.#flush();
    this.#answers.push(answer);
    this.#bytes += bytes;
    this.#flushSoon();
  }

  #flush(): void {
    if (this.#isOver || (this.#answers.length === 0 && !this.#isLeaving)) return;
    const message: HostAnswers = { answers: this.#answers, isLeaving: this.#isLeaving };
    this.#answers = [];
    this.#bytes = 0;
    this.#stream.write(message);
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#isHalfClosed && !this.#isOver && this.#calls.size === 0 && this.#answers.length === 0) this.#stream.end();
  }
}
