// A doubly linked FIFO: push, shift and removal from the middle in constant time. Pollers leave from anywhere when their call ends, so an
// array would make 10,000 idle pollers expensive.

export interface QueueNode<T> {
  readonly value: T;
}

interface Node<T> extends QueueNode<T> {
  previous: Node<T> | undefined;
  next: Node<T> | undefined;
  linked: boolean;
}

export class LinkedQueue<T> {
  #head: Node<T> | undefined;
  #tail: Node<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(value: T): QueueNode<T> {
    const node: Node<T> = { value, previous: this.#tail, next: undefined, linked: true };
    if (this.#tail === undefined) this.#head = node;
    else this.#tail.next = node;
    this.#tail = node;
    this.#size++;
    return node;
  }

  unshift(value: T): QueueNode<T> {
    const node: Node<T> = { value, previous: undefined, next: this.#head, linked: true };
    if (this.#head === undefined) this.#tail = node;
    else this.#head.previous = node;
    this.#head = node;
    this.#size++;
    return node;
  }

  peek(): T | undefined {
    return this.#head?.value;
  }

  shift(): T | undefined {
    const node = this.#head;
    if (node === undefined) return undefined;
    this.remove(node);
    return node.value;
  }

  /** False when the node has already left. */
  remove(queueNode: QueueNode<T>): boolean {
    const node = queueNode as Node<T>; // every node of this queue was made by push or unshift
    if (!node.linked) return false;
    if (node.previous === undefined) this.#head = node.next;
    else node.previous.next = node.next;
    if (node.next === undefined) this.#tail = node.previous;
    else node.next.previous = node.previous;
    node.linked = false;
    node.previous = undefined;
    node.next = undefined;
    this.#size--;
    return true;
  }

  /** Searches from the head; for short queues. */
  removeValue(value: T): boolean {
    for (let node = this.#head; node !== undefined; node = node.next) {
      if (node.value === value) return this.remove(node);
    }
    return false;
  }

  clear(): void {
    while (this.shift() !== undefined);
  }
}
