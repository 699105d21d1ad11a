// Servers that speak TLS as each store does, up to the first bytes that a client trusts them with; then they hang up. What they heard, and the name in
// the certificate that the client showed, tells whether it went on.
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import type { Pki } from './certificates.ts';

export type Preamble = 'none' | 'postgres' | 'mysql';

export interface TlsListener {
  readonly port: number;
  /** Names of the clients that sent something over TLS; empty for one without a certificate. */
  readonly heard: readonly string[];
  close(): void;
}

const PROTOCOL_41 = 0x0200;
const SSL = 0x0800;
const SECURE_CONNECTION = 0x8000;
const PLUGIN_AUTH = 0x0008; // of the upper half

function mysqlGreeting(): Buffer {
  const capabilities = Buffer.alloc(18);
  capabilities.writeUInt16LE(PROTOCOL_41 | SSL | SECURE_CONNECTION, 0);
  capabilities[2] = 45; // utf8mb4
  capabilities.writeUInt16LE(PLUGIN_AUTH, 5);
  capabilities[7] = 21; // bytes of the challenge
  const payload = Buffer.concat([
    Buffer.from('\x0a8.0.0\0', 'latin1'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('12345678\0', 'latin1'),
    capabilities,
    Buffer.from('123456789012\0mysql_native_password\0', 'latin1'),
  ]);
  return Buffer.concat([Buffer.from([payload.length, 0, 0, 0]), payload]);
}

const PREAMBLES = {
  none: { greeting: undefined, requestBytes: 0, answer: undefined },
  postgres: { greeting: undefined, requestBytes: 8, answer: Buffer.from('S') },
  mysql: { greeting: mysqlGreeting(), requestBytes: 36, answer: undefined },
} as const;

/** `files`: its certificate. Clients are asked for one, and may have none. */
export async function listenTls(
  pki: Pki,
  files: { readonly certFile: string; readonly keyFile: string },
  preamble: Preamble,
): Promise<TlsListener> {
  const heard: string[] = [];
  const secure = {
    cert: fs.readFileSync(files.certFile),
    key: fs.readFileSync(files.keyFile),
    ca: fs.readFileSync(pki.ca),
    ...{ requestCert: true, rejectUnauthorized: false },
  };
  const upgrade = (socket: net.Socket): void => {
    const secured = new tls.TLSSocket(socket, { ...secure, isServer: true });
    // A client that does not trust the certificate hangs up.
    secured.on('error', () => secured.destroy());
    secured.once('data', () => {
      heard.push(String(secured.getPeerCertificate()?.subject?.CN ?? ''));
      secured.destroy();
    });
  };
  const { greeting, requestBytes, answer } = PREAMBLES[preamble];
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (greeting !== undefined) socket.write(greeting);
    if (requestBytes === 0) {
      upgrade(socket);
      return;
    }
    socket.once('data', (chunk: Buffer) => {
      socket.pause();
      // The client may have begun TLS already.
      if (chunk.length > requestBytes) socket.unshift(chunk.subarray(requestBytes));
      if (answer !== undefined) socket.write(answer);
      upgrade(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, heard, close: () => void server.close() };
}
