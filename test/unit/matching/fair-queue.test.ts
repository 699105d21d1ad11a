// The order in which a list gives its tasks: priorities, fairness keys and weights, arrival.
import { describe, expect, it } from 'vitest';
import { seededRandom } from '#env';
import { FairQueue } from '../../../src/matching/fair-queue.ts';

const place = (priority: number, fairnessKey = '', fairnessWeight = 1) => ({ priority, fairnessKey, fairnessWeight });

function drain(queue: FairQueue<string>): string[] {
  const order: string[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) order.push(item);
  return order;
}

describe('a fair queue', () => {
  it('gives tasks without priority and key in order of arrival', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a', 'b', 'c']) queue.push(item, place(3));
    expect(queue.firstPriority).toBe(3);
    expect(drain(queue)).toEqual(['a', 'b', 'c']);
    expect(queue.firstPriority).toBeUndefined();
  });

  it('gives lower priorities first, whatever came first', () => {
    const queue = new FairQueue<string>();
    for (const priority of [5, 3, 4, 1, 2, 3]) queue.push(`p${priority}`, place(priority));
    expect(queue.firstPriority).toBe(1);
    expect(drain(queue)).toEqual(['p1', 'p2', 'p3', 'p3', 'p4', 'p5']);
  });

  it('lets keys of one priority take turns, tasks without a key being one of them', () => {
    const queue = new FairQueue<string>();
    for (let i = 0; i < 100; i++) queue.push(`big-${i}`, place(3, 'big'));
    for (let i = 0; i < 3; i++) queue.push(`small-${i}`, place(3, 'small'));
    for (let i = 0; i < 3; i++) queue.push(`plain-${i}`, place(3));
    const first = drain(queue).slice(0, 9);
    for (const name of ['big', 'small', 'plain']) {
      expect(
        first.filter((item) => item.startsWith(name)),
        name,
      ).toEqual([`${name}-0`, `${name}-1`, `${name}-2`]);
    }
  });

  it('gives keys their share by weight', () => {
    const queue = new FairQueue<string>();
    for (let i = 0; i < 400; i++) {
      queue.push('heavy', place(2, 'heavy', 3));
      queue.push('light', place(2, 'light', 1));
    }
    const first = Array.from({ length: 400 }, () => queue.shift());
    expect(first.filter((item) => item === 'heavy').length).toBeGreaterThanOrEqual(298);
    expect(first.filter((item) => item === 'heavy').length).toBeLessThanOrEqual(302);
  });

  it('gives a key that comes back after each of its tasks no more than its turn', () => {
    const queue = new FairQueue<string>();
    for (let i = 0; i < 100; i++) queue.push('steady', place(3, 'steady'));
    let eager = 0;
    for (let i = 0; i < 100; i++) {
      queue.push('eager', place(3, 'eager'));
      if (queue.shift() === 'eager') eager++;
    }
    expect(eager).toBeLessThanOrEqual(51);
  });

  it('starts a new key beside the old ones, not before their past', () => {
    const queue = new FairQueue<string>();
    for (let i = 0; i < 2000; i++) queue.push('old', place(3, 'old'));
    for (let i = 0; i < 1000; i++) queue.shift();
    for (let i = 0; i < 1000; i++) queue.push('new', place(3, 'new'));
    const next = Array.from({ length: 100 }, () => queue.shift());
    expect(next.filter((item) => item === 'new').length).toBeLessThanOrEqual(51);
  });

  it('takes out of the front of each key what is wanted and keeps the rest in order', () => {
    const queue = new FairQueue<string>();
    for (const item of ['x1', 'y1', 'x2']) queue.push(item, place(3));
    for (const item of ['x3', 'y2']) queue.push(item, place(1, 'k'));
    expect(queue.takeHeads((item) => item.startsWith('x')).toSorted()).toEqual(['x1', 'x3']);
    expect(queue.size).toBe(3);
    expect(drain(queue)).toEqual(['y2', 'y1', 'x2']);
  });

  it('remembers a bounded number of keys, and serves 50,000 of them', () => {
    const queue = new FairQueue<string>();
    for (let i = 0; i < 50_000; i++) {
      queue.push(`${i}`, place(3, `key-${i}`, 0.001));
      expect(queue.shift()).toBe(`${i}`);
    }
    expect(queue.size).toBe(0);
  });

  it.each([1, 2, 3, 4, 5])('loses nothing and never starves a key (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const queue = new FairQueue<{ id: number; key: string; priority: number }>();
    const waiting = new Map<number, { key: string; priority: number; passed: number }>();
    let id = 0;
    for (let step = 0; step < 5000; step++) {
      if (random.next() < 0.52) {
        const key = ['', 'a', 'b', 'c', 'd'][Math.floor(random.next() * 5)]!;
        const priority = 1 + Math.floor(random.next() * 5);
        queue.push({ id, key, priority }, place(priority, key));
        waiting.set(id++, { key, priority, passed: 0 });
        continue;
      }
      const item = queue.shift();
      expect(item === undefined).toBe(waiting.size === 0);
      if (item === undefined) continue;
      const best = Math.min(...[...waiting.values()].map(({ priority }) => priority));
      expect(item.priority).toBe(best);
      const ofKey = [...waiting].filter(([, other]) => other.key === item.key && other.priority === item.priority);
      expect(item.id, 'first of its key').toBe(Math.min(...ofKey.map(([other]) => other)));
      waiting.delete(item.id);
      expect(queue.size).toBe(waiting.size);
    }
  });
});
