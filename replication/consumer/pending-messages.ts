// Messages of one partition that are fetched and not yet applied. Those of one key go one after another, in their order; a key that is slow
// holds only itself. The watermark is the offset up to which everything is applied: what is saved and acknowledged to the source. Offsets may
// have holes: where another reader of this region was ahead, the source has trimmed what it applied.
import type { LogMessage } from '#log';

export class PendingMessages {
  /** By offset, from the oldest that is not applied; a source may repeat or exchange messages. */
  readonly #order: LogMessage[] = [];
  readonly #applied = new Set<LogMessage>();
  /** What waits behind the message of its key that is being applied, or is ready. */
  readonly #behind = new Map<string, LogMessage[]>();
  readonly #ready: LogMessage[] = [];
  #watermark: number;
  #reached: number;

  constructor(watermark: number) {
    this.#watermark = watermark;
    this.#reached = watermark;
  }

  get watermark(): number {
    return this.#watermark;
  }

  /** The source has nothing up to here that was not added. */
  reach(offset: number): void {
    this.#reached = Math.max(this.#reached, offset);
    this.#passHoles();
  }

  /** How far the newest is from the oldest, applied ones between them included. */
  get span(): number {
    return this.#order.length;
  }

  get oldest(): LogMessage | undefined {
    return this.#order[0];
  }

  add(message: LogMessage): void {
    let at = this.#order.length;
    while (at > 0 && Number(this.#order[at - 1]?.offset) > message.offset) at--;
    this.#order.splice(at, 0, message);
    const behind = this.#behind.get(message.key);
    if (behind !== undefined) {
      behind.push(message);
      return;
    }
    this.#behind.set(message.key, []);
    this.#ready.push(message);
  }

  /** A message to apply now; its key rests until it is done. */
  take(): LogMessage | undefined {
    return this.#ready.shift();
  }

  done(message: LogMessage): void {
    const behind = this.#behind.get(message.key);
    const next = behind?.shift();
    if (next === undefined) this.#behind.delete(message.key);
    else this.#ready.push(next);
    this.#applied.add(message);
    for (let oldest = this.#order[0]; oldest !== undefined && this.#applied.delete(oldest); ) {
      this.#watermark = Math.max(this.#watermark, oldest.offset);
      this.#order.shift();
      oldest = this.#order[0];
    }
    this.#passHoles();
  }

  #passHoles(): void {
    if (this.#order.length === 0) this.#watermark = Math.max(this.#watermark, this.#reached);
  }
}
