// Servers started for a scenario, and the connections of its load to them.
import { type Api, openApi } from './api.ts';
import { prepareDomain } from './domain.ts';
import type { Deployment, Target } from './target.ts';

const CONNECTIONS_MIN = 4;

/** Connections over all servers, at least one to each; `close` them before the servers are stopped. */
export function openApis({ addresses }: Deployment): { readonly apis: readonly Api[]; close(): void } {
  const count = Math.max(CONNECTIONS_MIN, 2 * addresses.length);
  const apis = Array.from({ length: count }, (_, index) => openApi(addresses[index % addresses.length] as string));
  return {
    apis,
    close: () => {
      for (const api of apis) api.close();
    },
  };
}

export const pick = (apis: readonly Api[], index: number): Api => apis[index % apis.length] as Api;

/** Fresh servers on an empty store with the bench's domain, for as long as the work takes. */
export async function withDeployment<T>(
  target: Target,
  work: (deployment: Deployment, apis: readonly Api[]) => Promise<T>,
): Promise<T> {
  const site = await target.makeSite();
  try {
    const deployment = await site.start();
    const { apis, close } = openApis(deployment);
    try {
      await prepareDomain(...apis.slice(0, deployment.addresses.length));
      return await work(deployment, apis);
    } finally {
      close();
      await deployment.kill('SIGTERM');
    }
  } finally {
    await site.remove();
  }
}
