// The signal request ids that a run has taken. A run takes up to 10,000 signals and every one makes a new state, so the set is an
// append-only list shared by all states of the run: a state sees the first `size` entries. Adding to a state that is not the newest
// copies (it happens when a command was discarded).

interface SharedIds {
  readonly positions: Map<string, number>;
  readonly list: string[];
}

export class SignalRequestIds implements ReadonlySet<string> {
  readonly size: number;
  readonly #shared: SharedIds;

  private constructor(shared: SharedIds, size: number) {
    this.#shared = shared;
    this.size = size;
  }

  static of(ids: Iterable<string> = []): SignalRequestIds {
    if (ids instanceof SignalRequestIds) return ids;
    const list = [...new Set(ids)];
    return new SignalRequestIds({ positions: new Map(list.map((id, at) => [id, at])), list }, list.length);
  }

  has(id: string): boolean {
    const position = this.#shared.positions.get(id);
    return position !== undefined && position < this.size;
  }

  /** A set with `id`; this one stays as it is. */
  with(id: string): SignalRequestIds {
    if (this.has(id)) return this;
    const shared = this.#shared.list.length === this.size ? this.#shared : this.#fork();
    shared.positions.set(id, this.size);
    shared.list.push(id);
    return new SignalRequestIds(shared, this.size + 1);
  }

  /** Ids that this set has and `before` does not, in the order they were taken. */
  since(before: ReadonlySet<string>): readonly string[] {
    const isSuccessor = before instanceof SignalRequestIds && before.#shared === this.#shared;
    if (isSuccessor) return this.#shared.list.slice(before.size, this.size);
    return this.#shared.list.slice(0, this.size).filter((id) => !before.has(id));
  }

  #fork(): SharedIds {
    const list = this.#shared.list.slice(0, this.size);
    return { positions: new Map(list.map((id, at) => [id, at])), list };
  }

  forEach(visit: (value: string, key: string, set: ReadonlySet<string>) => void): void {
    for (const id of this.values()) visit(id, id, this);
  }

  *values(): SetIterator<string> {
    for (let at = 0; at < this.size; at++) yield this.#shared.list[at] as string;
  }

  keys(): SetIterator<string> {
    return this.values();
  }

  *entries(): SetIterator<[string, string]> {
    for (const id of this.values()) yield [id, id];
  }

  [Symbol.iterator](): SetIterator<string> {
    return this.values();
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Signal request ids that `after` has and `before` does not; a rebuilt run may lack some that it had. */
export function addedSignalRequestIds(
  before: ReadonlySet<string> | undefined,
  after: ReadonlySet<string>,
): readonly string[] {
  if (before === after || after.size === 0) return [];
  return SignalRequestIds.of(after).since(before ?? NONE);
}
