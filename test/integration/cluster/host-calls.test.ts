// The listener for other hosts over real sockets: who may connect, and what becomes of a call whose host or caller goes away.
import { PollForDecisionTaskResponse, QueryWorkflowResponse, TaskList, WorkflowQuery } from '@antiphon/proto';
import { afterAll, describe, expect, test } from 'vitest';
import { StoreError, unavailable } from '#base';
import { createRealEnv } from '#env';
import {
  type CallOptions,
  type ClientTls,
  createCertificateFiles,
  createHostPeers,
  createInternalServer,
  type HostServices,
  HostUnreachable,
  type MatchingClient,
} from '#rpc';
import { DEFAULT_BREAKER_OPTIONS } from '../../../src/rpc/circuit-breaker.ts';
import { createPki, hasOpenssl } from '../../support/security/certificates.ts';

const env = createRealEnv();
const pki = createPki();
const stops: (() => unknown)[] = [() => pki.remove()];
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

const RUN = { domainId: 'd', workflowId: 'w', runId: 'r' };

const POLL = {
  domainId: 'd',
  taskList: TaskList.fromPartial({ name: 'list' }),
  identity: '',
  pollerId: 'poller-1',
  caller: { clientImpl: '', featureVersion: '', libraryVersion: '' },
};

async function serve(services: Partial<HostServices>, tls?: Parameters<typeof createInternalServer>[0]['tls']) {
  const server = createInternalServer({ env, address: '127.0.0.1:0', services: () => services, tls });
  stops.push(() => server.stop(100));
  return { server, address: (await server.start()).address };
}

function peersWith(tls?: ClientTls, from = env) {
  const peers = createHostPeers({ env: from, tls, timeoutMs: 5_000 });
  stops.push(() => peers.close());
  return peers;
}

const describing = (): Partial<HostServices> => ({
  cluster: {
    describeHost: async () => ({ openShardIds: [1, 2], cachedDomains: 3 }),
  } as unknown as HostServices['cluster'],
});

describe('the listener for other hosts', () => {
  test.skipIf(!hasOpenssl)('takes hosts with a certificate of its authorities, and nobody else', async () => {
    const files = async () => {
      const made = createCertificateFiles({ ...(await pki.server('host')), caFiles: [pki.ca] }, env);
      stops.push(() => made.close());
      return made;
    };
    const { address } = await serve(describing(), { files: await files(), requireClientAuth: true });
    const tls = { serverName: '', enableHostVerification: true };
    expect(
      await peersWith({ ...tls, files: await files() })
        .of(address)
        .cluster.describeHost(),
    ).toEqual({
      openShardIds: [1, 2],
      cachedDomains: 3,
    });
    const nobody = createCertificateFiles({ certFile: '', keyFile: '', caFiles: [pki.ca] }, env);
    stops.push(() => nobody.close());
    for (const own of [undefined, { ...tls, files: nobody }]) {
      await expect(peersWith(own).of(address).cluster.describeHost()).rejects.toMatchObject({ kind: 'Unavailable' });
    }
  });

  test('refuses to be open to others without it', () => {
    const open = (insecure: boolean) =>
      createInternalServer({ env, address: '0.0.0.0:0', services: () => ({}), insecure });
    expect(() => open(false)).toThrow('refusing to listen on 0.0.0.0:0');
    expect(() => open(true)).not.toThrow();
  });
});

describe('a call of another host', () => {
  test('keeps the deadline, and ends there when its caller hangs up', async () => {
    let seen: CallOptions | undefined;
    const hungUp = new Promise<void>((resolve) => {
      stops.push(() => resolve());
      const matching: Partial<MatchingClient> = {
        queryWorkflow: (_query, options) =>
          new Promise((answer) => {
            seen = options;
            options.signal?.addEventListener('abort', () => {
              resolve();
              answer(QueryWorkflowResponse.fromPartial({}));
            });
          }),
      };
      void serve({ matching: matching as MatchingClient }).then(async ({ address }) => {
        const leaving = new AbortController();
        const deadlineMs = env.clock.nowMs() + 60_000.25;
        const query = { run: RUN, taskList: POLL.taskList, query: WorkflowQuery.fromPartial({ queryType: 'state' }) };
        const call = peersWith().of(address).matching.queryWorkflow(query, { signal: leaving.signal, deadlineMs });
        while (seen === undefined) await new Promise((again) => setTimeout(again, 5));
        expect(Math.abs((seen.deadlineMs ?? 0) - deadlineMs)).toBeLessThan(1_000);
        leaving.abort();
        await expect(call).rejects.toMatchObject({ kind: 'Cancelled' });
      });
    });
    await hungUp;
  });

  test('that waits for events ends there when its caller hangs up', async () => {
    const leaving = new AbortController();
    let ended: () => void = () => {};
    const hungUp = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const history = {
      getHistory: (_run: unknown, { signal }: CallOptions) => {
        signal?.addEventListener('abort', ended);
        leaving.abort();
        return new Promise(() => {});
      },
    } as unknown as HostServices['history'];
    const { address } = await serve({ history });
    const wait = { pageSize: 10, token: new Uint8Array(), waitForNewEvent: true, closeEventOnly: false };
    const call = peersWith()
      .of(address)
      .history.getHistory(RUN, { ...wait, signal: leaving.signal });
    await expect(call).rejects.toMatchObject({ kind: 'Cancelled' });
    await hungUp;
  });

  /** A poll of `pollerId` hangs up when it waits at the other host, which does with it as `cancel` says. */
  async function hungUpPoll(cancel: (pollerId: string, answer: () => void) => Promise<void>) {
    const leaving = new AbortController();
    let answer: () => void = () => {};
    let waits: () => void = () => {};
    const isWaiting = new Promise<void>((resolve) => {
      waits = resolve;
    });
    const matching: Partial<MatchingClient> = {
      pollForDecisionTask: (_poll, given) =>
        new Promise((resolve) => {
          expect(given.isOfAnotherHost).toBe(true);
          answer = () => {
            const response = PollForDecisionTaskResponse.fromPartial({ taskToken: Buffer.from('task') });
            resolve({ response, historyBlobs: [] });
          };
          waits();
        }),
      cancelOutstandingPoll: ({ pollerId }) => cancel(pollerId, answer),
    };
    const { address } = await serve({ matching: matching as MatchingClient });
    const options = { signal: leaving.signal, deadlineMs: env.clock.nowMs() + 60_000 };
    const call = peersWith().of(address).matching.pollForDecisionTask(POLL, options);
    await isWaiting;
    leaving.abort();
    return call;
  }

  test('that is a poll is told of the hang-up, and brings what it had', async () => {
    const told: string[] = [];
    const { response } = await hungUpPoll(async (pollerId, answer) => {
      told.push(pollerId);
      answer();
    });
    expect(told).toEqual(['poller-1']);
    expect(Buffer.from(response.taskToken).toString()).toBe('task');
  });

  test('that is a poll is broken off when its host cannot be told', async () => {
    const call = hungUpPoll(() => Promise.reject(unavailable('not now')));
    await expect(call).rejects.toMatchObject({ kind: 'Cancelled' });
  });

  test('fails at once when its host is dropped, and is not taken for undone', async () => {
    const matching: Partial<MatchingClient> = { addDecisionTask: () => new Promise(() => {}) };
    const { address } = await serve({ matching: matching as MatchingClient });
    const peers = peersWith();
    const task = { ...RUN, scheduleId: 2, attempt: 0, scheduleToStartMs: 0 };
    const call = peers.of(address).matching.addDecisionTask({ ...task, taskList: POLL.taskList });
    setTimeout(() => peers.keepOnly(new Set()), 100);
    const error = await call.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HostUnreachable);
    expect((error as HostUnreachable).wasSent).toBe(true);
  });

  test('to a host that is not there was certainly not made, and is soon refused without trying', async () => {
    const { server, address } = await serve(describing());
    await server.stop(100);
    // However slow the machine is, no pause of the circuit breaker is over between two of the calls.
    const still = { ...env, clock: { ...env.clock, monotonicMs: () => 0 } };
    const peer = peersWith(undefined, still).of(address);
    for (let call = 0; call < 8; call++) {
      const error = await peer.cluster.describeHost().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ wasSent: false, isRefused: call < DEFAULT_BREAKER_OPTIONS.failuresMax });
    }
    await expect(peer.cluster.describeHost()).rejects.toThrow('does not answer');
  });

  test('shares its stream with many others, and each has its own answer, whoever is answered first', async () => {
    const history = {
      refreshTasks: async ({ workflowId }: { workflowId: string }) => {
        const index = Number(workflowId);
        await new Promise((resolve) => setTimeout(resolve, (index * 7) % 20));
        if (index % 3 === 0) throw new StoreError('Timeout', `of ${index}`);
      },
    } as unknown as HostServices['history'];
    const { address } = await serve({ history });
    const peer = peersWith().of(address);
    const calls = Array.from({ length: 300 }, (_, index) =>
      peer.history.refreshTasks({ ...RUN, workflowId: String(index) }).then(
        () => 'done',
        (error: Error) => error.message,
      ),
    );
    const expected = Array.from({ length: 300 }, (_, index) => (index % 3 === 0 ? `of ${index}` : 'done'));
    expect(await Promise.all(calls)).toEqual(expected);
  });

  test('is answered by a host that stops; the next one goes to whoever listens there then', async () => {
    let answer: () => void = () => {};
    const waits = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const history = { refreshTasks: () => waits } as unknown as HostServices['history'];
    const { server, address } = await serve({ history });
    const peer = peersWith().of(address);
    const call = peer.history.refreshTasks(RUN);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const stopped = server.stop(5_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const refused = await peer.history.refreshTasks(RUN).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(HostUnreachable);
    expect((refused as HostUnreachable).wasSent).toBe(false);
    const begun = performance.now();
    answer();
    await call;
    await stopped;
    expect(performance.now() - begun).toBeLessThan(2_000);
    const next = createInternalServer({ env, address, services: describing });
    await next.start();
    stops.push(() => next.stop(100));
    await expect.poll(() => peer.cluster.describeHost().catch(() => undefined)).toBeDefined();
  });

  test('is no longer waited for there when its caller has gone', async () => {
    let leave: () => void = () => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    let seen: () => void = () => {};
    const isSeen = new Promise<void>((resolve) => {
      seen = resolve;
    });
    const matching: Partial<MatchingClient> = {
      pollForDecisionTask: (_poll, { signal }) => {
        signal?.addEventListener('abort', leave);
        seen();
        return new Promise(() => {});
      },
    };
    const { address } = await serve({ matching: matching as MatchingClient });
    const peers = createHostPeers({ env });
    const options = { deadlineMs: env.clock.nowMs() + 60_000 };
    const poll = peers
      .of(address)
      .matching.pollForDecisionTask(POLL, options)
      .catch((error: unknown) => error);
    await isSeen;
    peers.close();
    await left;
    expect(await poll).toBeInstanceOf(HostUnreachable);
  });

  test('ends at its deadline, here and there', async () => {
    let leave: () => void = () => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const matching: Partial<MatchingClient> = {
      pollForDecisionTask: (_poll, { signal }) => {
        signal?.addEventListener('abort', leave);
        return new Promise(() => {});
      },
    };
    const { address } = await serve({ matching: matching as MatchingClient });
    const options = { deadlineMs: env.clock.nowMs() + 200 };
    const call = peersWith().of(address).matching.pollForDecisionTask(POLL, options);
    await expect(call).rejects.toMatchObject({ kind: 'DeadlineExceeded' });
    await left;
  });

  test('that does not fit into a message is refused alone', async () => {
    const history = { refreshTasks: async () => {} } as unknown as HostServices['history'];
    const { address } = await serve({ history });
    const peer = peersWith().of(address);
    const large = peer.history.refreshTasks({ ...RUN, workflowId: 'w'.repeat(65 * 1024 * 1024) });
    const small = peer.history.refreshTasks(RUN);
    await expect(large).rejects.toMatchObject({ kind: 'LimitExceeded' });
    await expect(small).resolves.toBeUndefined();
  });

  test('ends with the error of the store as it was, and refuses a service that the host does not run', async () => {
    const history = {
      refreshTasks: async () => {
        throw new StoreError('Timeout', 'nobody knows');
      },
    } as unknown as HostServices['history'];
    const { address } = await serve({ history });
    const peer = peersWith().of(address);
    const run = { domainId: 'd', workflowId: 'w', runId: '' };
    const error = await peer.history.refreshTasks(run).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ kind: 'Timeout', message: 'nobody knows' });
    await expect(peer.matching.listTaskLists('d')).rejects.toThrow('This host does not run matching.');
  });
});
