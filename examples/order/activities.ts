// The order's dealings with the world. Each can be slowed down, and the carrier made to fail, to show what happens then.
import { activityContext, heartbeat } from '@antiphon/sdk/activity';
import type { Order } from './workflows.ts';

const step = (order: Order): Promise<void> => activityContext().sleep(order.stepMs ?? 0);

export async function charge(order: Order): Promise<string> {
  await step(order);
  // Derived from the order, so that a repeated attempt charges once.
  return `payment-${order.orderId}`;
}

export async function refund(order: Order, _payment: string): Promise<void> {
  await step(order);
}

export async function ship(order: Order): Promise<string> {
  const { attempt } = activityContext().info;
  heartbeat({ attempt });
  await step(order);
  if (attempt < (order.carrierFailures ?? 0)) throw new Error(`the carrier refused attempt ${attempt + 1}`);
  return `tracking-${order.orderId}`;
}

export async function sendReceipt(order: Order, _tracking: string): Promise<void> {
  await step(order);
}
