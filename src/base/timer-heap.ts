// A 4-ary min-heap ordered by (time, sequence): entries of one time leave in the order they came.

export interface HeapEntry<T> {
  readonly timeMs: number;
  readonly sequence: number;
  readonly value: T;
}

export class TimerHeap<T> {
  #entries: HeapEntry<T>[] = [];
  #sequence = 0;

  get size(): number {
    return this.#entries.length;
  }

  push(timeMs: number, value: T): void {
    this.#entries.push({ timeMs, sequence: this.#sequence++, value });
    this.#up(this.#entries.length - 1);
  }

  peek(): HeapEntry<T> | undefined {
    return this.#entries[0];
  }

  pop(): HeapEntry<T> | undefined {
    const first = this.#entries[0];
    const last = this.#entries.pop();
    if (first === undefined || last === undefined) return undefined;
    if (this.#entries.length > 0) {
      this.#entries[0] = last;
      this.#down(0);
    }
    return first;
  }

  clear(): void {
    this.#entries = [];
  }

  #before(a: HeapEntry<T>, b: HeapEntry<T>): boolean {
    return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.sequence < b.sequence);
  }

  #up(start: number): void {
    let index = start;
    const entry = this.#entries[index] as HeapEntry<T>;
    while (index > 0) {
      const parentIndex = (index - 1) >> 2;
      const parent = this.#entries[parentIndex] as HeapEntry<T>;
      if (!this.#before(entry, parent)) break;
      this.#entries[index] = parent;
      index = parentIndex;
    }
    this.#entries[index] = entry;
  }

  #down(start: number): void {
    let index = start;
    const entry = this.#entries[index] as HeapEntry<T>;
    for (;;) {
      const firstChild = index * 4 + 1;
      if (firstChild >= this.#entries.length) break;
      let least = firstChild;
      for (let child = firstChild + 1; child < Math.min(firstChild + 4, this.#entries.length); child++) {
        if (this.#before(this.#entries[child] as HeapEntry<T>, this.#entries[least] as HeapEntry<T>)) least = child;
      }
      if (!this.#before(this.#entries[least] as HeapEntry<T>, entry)) break;
      this.#entries[index] = this.#entries[least] as HeapEntry<T>;
      index = least;
    }
    this.#entries[index] = entry;
  }
}
