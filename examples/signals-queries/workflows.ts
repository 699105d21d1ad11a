// A shopping cart as a workflow: signals change it, queries read it, and it lives until it is checked out.
import { ApplicationFailure, condition, defineQuery, defineSignal, setHandler } from '@antiphon/sdk/workflow';

export type Cart = Readonly<Record<string, number>>;

export const addItem = defineSignal<[item: string, count: number]>('addItem');
export const removeItem = defineSignal<[item: string]>('removeItem');
export const checkOut = defineSignal('checkOut');
export const contents = defineQuery<Cart>('contents');
export const countOf = defineQuery<number, [item: string]>('countOf');

export async function cart(): Promise<Cart> {
  const items = new Map<string, number>();
  let isCheckedOut = false;
  setHandler(contents, () => Object.fromEntries(items));
  setHandler(countOf, (item) => items.get(item) ?? 0);
  // Signals that came before this line were kept, and are handled now, in order.
  setHandler(addItem, (item, count) => {
    items.set(item, (items.get(item) ?? 0) + count);
  });
  setHandler(removeItem, (item) => {
    items.delete(item);
  });
  setHandler(checkOut, () => {
    isCheckedOut = true;
  });
  await condition(() => isCheckedOut);
  if (items.size === 0) throw ApplicationFailure.nonRetryable('the cart is empty', 'EmptyCart');
  return Object.fromEntries(items);
}
