// What the bad inputs are thrown at: a server with the domains `shop` and `other`, and a way to see whether anything was written to it.
import { startHarness } from '../harness.ts';

export interface Target {
  readonly address: string;
  domains(): Promise<{ shop: string; other: string }>;
  /** Equal before and after when nothing was written between. */
  written(): Promise<unknown>;
  close(): Promise<void>;
}

// Reads, and writes that name a run which does not exist, may reach history; these would make something.
const CREATING = new Set(['startWorkflow', 'signalWithStart']);

export async function openTarget(): Promise<Target> {
  const harness = await startHarness();
  return {
    address: harness.address,
    domains: async () => ({ shop: await harness.domainId('shop'), other: await harness.domainId('other') }),
    async written() {
      const { domains } = await harness.client.domain.listDomains({ pageSize: 100, nextPageToken: new Uint8Array() });
      return { domains, created: harness.calls.filter(({ method }) => CREATING.has(method)) };
    },
    close: () => harness.stop(),
  };
}
