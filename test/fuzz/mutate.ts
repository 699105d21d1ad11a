// Makes a valid request nearly valid, or hostile: a few changes at random places of its tree.
import type { Chance } from '../simulation/chance.ts';
import { deepNest, hostileValue, strangeField } from './hostile-values.ts';
import { copyOf, encodeTree, type MessageTree, placesOf } from './wire.ts';

const BYTES_MAX = 12 << 20;
const COPIES_MAX = 2000;
/** Copies of copies must not fill the fuzzer's own memory. */
const PLACES_MAX = 20_000;

export function mutate(chance: Chance, root: MessageTree, changes: number): void {
  for (let i = 0; i < changes; i++) change(chance, root);
}

function change(chance: Chance, root: MessageTree): void {
  const places = placesOf(root);
  if (places.length === 0 || chance.is(0.04)) {
    root.fields.push(strangeField(chance));
    return;
  }
  const { tree, index } = chance.pick(places);
  const field = tree.fields[index];
  if (field === undefined) return;
  switch (chance.weighted({ value: 55, drop: 18, double: 8, many: 1.5, move: 4, strange: 6, deep: 1, mistype: 6 })) {
    case 'value':
      field.value = hostileValue(chance, field);
      break;
    case 'drop':
      tree.fields.splice(index, 1);
      break;
    case 'double':
      tree.fields.push({ ...field, value: hostileValue(chance, field) });
      break;
    case 'many': {
      const one: MessageTree = { type: undefined, fields: [field] };
      const fitting = Math.min(
        BYTES_MAX / (encodeTree(one).length + 1),
        (PLACES_MAX - places.length) / placesOf(one).length,
      );
      const copies = Math.max(0, Math.floor(Math.min(chance.pick([50, 300, COPIES_MAX]), fitting)));
      // Each its own: a later change of one that is all of them makes a request of gigabytes.
      tree.fields.push(...Array.from({ length: copies }, () => copyOf(field)));
      break;
    }
    case 'move':
      // The same value under a neighbour's number: another member of a oneof, another type, another meaning.
      tree.fields[index] = { ...field, number: Math.max(1, field.number + chance.pick([-2, -1, 1, 2])) };
      break;
    case 'strange':
      tree.fields.push(strangeField(chance));
      break;
    case 'deep':
      tree.fields.push(deepNest(chance));
      break;
    case 'mistype':
      field.value =
        field.value.kind === 'varint'
          ? { kind: 'bytes', value: Buffer.from('7'), isText: true }
          : { kind: 'varint', value: 7n };
      break;
  }
}
