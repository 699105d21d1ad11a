// An order from payment to receipt: activities with retries, a person's approval by signal, a timer, and a status to query.
// It survives the death of its worker, of the server, and of the whole region at any line.
import { condition, defineQuery, defineSignal, log, proxyActivities, setHandler, sleep } from '@antiphon/sdk/workflow';
import type * as activities from './activities.ts';

export interface Order {
  readonly orderId: string;
  readonly amount: number;
  /** How long each activity takes, so that a demonstration can interrupt it. */
  readonly stepMs?: number;
  /** How often the carrier refuses before it takes the parcel. */
  readonly carrierFailures?: number;
  /** Wait between shipment and receipt. */
  readonly deliverySeconds?: number;
}

export interface OrderResult {
  readonly status: 'delivered' | 'expired';
  readonly payment: string;
  readonly tracking?: string;
  readonly approvedBy?: string;
}

export const approve = defineSignal<[by: string]>('approve');
export const status = defineQuery<string>('status');

const { charge, refund, sendReceipt } = proxyActivities<typeof activities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', maximumAttempts: 10 },
});
const { ship } = proxyActivities<typeof activities>({
  startToCloseTimeout: '1m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '1s', backoffCoefficient: 1.5, maximumInterval: '5s', expirationInterval: '10m' },
});

export async function orderWorkflow(order: Order): Promise<OrderResult> {
  let step = 'charging';
  let approvedBy: string | undefined;
  setHandler(status, () => step);
  setHandler(approve, (by) => {
    approvedBy = by;
  });

  const payment = await charge(order);
  step = 'waiting for approval';
  if (!(await condition(() => approvedBy !== undefined, '10m'))) {
    step = 'refunding';
    await refund(order, payment);
    return { status: 'expired', payment };
  }
  log.info('order approved', { orderId: order.orderId, approvedBy });
  step = 'shipping';
  const tracking = await ship(order);
  step = 'in delivery';
  await sleep({ seconds: order.deliverySeconds ?? 2 });
  step = 'sending receipt';
  await sendReceipt(order, tracking);
  step = 'delivered';
  return { status: 'delivered', payment, tracking, ...(approvedBy === undefined ? {} : { approvedBy }) };
}
