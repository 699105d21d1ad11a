// A TCP proxy that harms a connection when the client sends a given text: it keeps the text from the server, or the answer from the client.
import net from 'node:net';

export interface Cut {
  /** What the client sends. */
  readonly at: string;
  /**
   * 'request': the server never gets it, and both ends are closed. 'answer': the server gets it, and both ends are closed when it answers.
   * 'silence': the server never gets it, and nobody hears anything.
   */
  readonly lose: 'request' | 'answer' | 'silence';
}

export interface CuttingProxy {
  readonly port: number;
  /** Once, on whichever connection sends it first. */
  arm(cut: Cut): void;
  close(): Promise<void>;
}

export async function startCuttingProxy(target: { host: string; port: number }): Promise<CuttingProxy> {
  let armed: Cut | undefined;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(target.port, target.host);
    let state: 'passing' | 'answered' | 'silent' = 'passing';
    const close = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', close);
      socket.on('error', close);
    }
    client.on('data', (chunk) => {
      if (state === 'silent') return;
      const cut = armed;
      if (cut === undefined || !chunk.includes(cut.at)) {
        upstream.write(chunk);
        return;
      }
      armed = undefined;
      if (cut.lose === 'request') close();
      else if (cut.lose === 'silence') state = 'silent';
      else {
        state = 'answered';
        upstream.write(chunk);
      }
    });
    upstream.on('data', (chunk) => {
      if (state === 'passing') client.write(chunk);
      // What came before the answer may still be on its way; the rest of the batch too.
      else if (state === 'answered') setTimeout(close, 200);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    arm: (cut) => {
      armed = cut;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
