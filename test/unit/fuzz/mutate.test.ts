// What the fuzzer may send: a request of gigabytes takes it longer to make than its calls have patience, and then they look unanswered.
import { expect, test } from 'vitest';
import { mutate } from '../../fuzz/mutate.ts';
import { copyOf, type Field, type MessageTree, messageValue, textValue } from '../../fuzz/wire.ts';
import { Chance } from '../../simulation/chance.ts';

const BYTES_MAX = 80 << 20;
const SEEDS = 4000;
const CHANGES = 6;

const field = (value: Field['value'], number = 1): Field => ({ number, descriptor: undefined, value });
const nested = (fields: Field[]): Field => field(messageValue({ type: undefined, fields }), 2);

/** Of the values alone, without making the bytes. */
const sizeOf = ({ fields }: MessageTree): number =>
  fields.reduce((sum, { value }) => {
    if (value.kind === 'message') return sum + sizeOf(value.value);
    return sum + (value.kind === 'varint' ? 1 : value.value.length);
  }, 0);

test('a request stays below what the fuzzer can send, whichever changes meet', () => {
  let largest = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const root: MessageTree = {
      type: undefined,
      fields: [nested([field(textValue('a')), nested([field(textValue('b'))])])],
    };
    mutate(new Chance(seed), root, CHANGES);
    largest = Math.max(largest, sizeOf(root));
  }
  expect(largest).toBeGreaterThan(1 << 20);
  expect(largest).toBeLessThan(BYTES_MAX);
});

test('a copy of a field does not change with it, however deep', () => {
  const inner = field(textValue('a'));
  const outer = nested([inner]);
  const copy = copyOf(outer);
  inner.value = textValue('b');
  expect(copy).toEqual(nested([field(textValue('a'))]));
});
