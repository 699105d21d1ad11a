// The one message of a unary request, as its bytes come: a flag, four bytes of length, the message. Nothing is kept beyond the limit.

const PREFIX_BYTES = 5;

export class StreamMessage {
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #received = 0;
  #size = -1;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** As the prefix says; -1 before it is there. */
  get size(): number {
    return this.#size;
  }

  /** Says what is wrong, if anything is. */
  add(chunk: Buffer): 'too large' | 'a second one' | undefined {
    if (chunk.length === 0) return undefined;
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    if (this.#size < 0) {
      if (this.#received < PREFIX_BYTES) return undefined;
      this.#size = this.#prefix().readUInt32BE(1);
      if (this.#size > this.#maxBytes) return 'too large';
    }
    return this.#received > PREFIX_BYTES + this.#size ? 'a second one' : undefined;
  }

  /** In bytes of its own: a chunk is part of what was read from the socket at once, and would keep all of that. */
  take(): Buffer | undefined {
    if (this.#size < 0 || this.#received < PREFIX_BYTES + this.#size) return undefined;
    const bytes = Buffer.allocUnsafe(this.#size);
    let at = -PREFIX_BYTES;
    for (const chunk of this.#chunks) {
      if (at + chunk.length > 0) chunk.copy(bytes, Math.max(0, at), Math.max(0, -at));
      at += chunk.length;
    }
    return bytes;
  }

  // Nearly always the start of the first chunk.
  #prefix(): Buffer {
    const [first] = this.#chunks;
    return first !== undefined && first.length >= PREFIX_BYTES ? first : Buffer.concat(this.#chunks, this.#received);
  }
}
