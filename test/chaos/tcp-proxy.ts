// A TCP proxy on a free port of loopback that holds what passes for a while, each way half of it, in order.
import net from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Of what passes from now on. */
  delay(roundTripMs: number): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  let oneWayMs = 0;
  const sockets = new Set<net.Socket>();
  const pass = (from: net.Socket, to: net.Socket): void => {
    let dueMs = 0;
    from.on('data', (chunk) => {
      const now = performance.now();
      // Later bytes never overtake earlier ones, also when the delay gets shorter.
      dueMs = Math.max(dueMs, now + oneWayMs);
      if (dueMs <= now) to.write(chunk);
      else setTimeout(() => to.write(chunk), dueMs - now);
    });
    from.on('close', () => to.destroy());
    // The other end is closed with it; what connects through it notices that.
    from.on('error', () => to.destroy());
  };
  const server = net.createServer((client) => {
    const upstream = net.connect(target.port, target.host);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    pass(client, upstream);
    pass(upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    delay: (roundTripMs) => {
      oneWayMs = roundTripMs / 2;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
