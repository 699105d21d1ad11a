// The HTTP door with the TLS of the gRPC one: who may connect, what handlers see of a client's certificate, and renewal while it runs.
import fs from 'node:fs';
import https from 'node:https';
import type tls from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { createRealEnv } from '#env';
import { type Gateway, startGateway } from '#gateway';
import { type CallContext, type CertificateFiles, createCertificateFiles } from '#rpc';
import { createPki, hasOpenssl, until } from '../../support/security/certificates.ts';
import { post } from './target.ts';

const HEALTH = '/api/v1/MetaAPI/Health';
const env = createRealEnv();
const pki = createPki();
const opened: { stop?(): Promise<void>; close?(): void }[] = [];
afterAll(async () => {
  for (const one of opened) await (one.stop?.() ?? one.close?.());
  pki.remove();
});

async function serve(certFile: string, keyFile: string, requireClientAuth = false) {
  const files: CertificateFiles = createCertificateFiles({ certFile, keyFile, caFiles: [pki.ca] }, env, 20);
  const seen: CallContext[] = [];
  const gateway: Gateway = await startGateway({
    env,
    address: '127.0.0.1:0',
    tls: { files, requireClientAuth },
    services: {
      meta: {
        health: async (_, context) => {
          // Asked while the connection stands, as access control does.
          seen.push({ ...context, clientCertificate: context.clientCertificate } as CallContext);
          return { ok: true, message: '' };
        },
      },
    },
  });
  opened.push(gateway, files);
  return { port: gateway.port, seen };
}

/** Status and headers of a call over TLS, on a connection of its own. */
const call = (
  port: number,
  options: https.RequestOptions,
): Promise<{ status: number; hsts: string | undefined; serial: string }> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': 2 };
    const request = https.request(
      {
        host: '127.0.0.1',
        port,
        path: HEALTH,
        method: 'POST',
        headers,
        agent: false,
        ca: fs.readFileSync(pki.ca),
        ...options,
      },
      (response) => {
        const serial = (response.socket as tls.TLSSocket).getPeerCertificate().serialNumber;
        response.resume();
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, hsts: response.headers['strict-transport-security'], serial }),
        );
      },
    );
    request.on('error', reject);
    request.end('{}');
  });

describe.skipIf(!hasOpenssl)('HTTP over TLS (needs openssl)', () => {
  test('is served to those who trust the authority, and not in plain text', async () => {
    const { certFile, keyFile } = await pki.server();
    const { port, seen } = await serve(certFile, keyFile);
    expect(await call(port, {})).toMatchObject({ status: 200, hsts: 'max-age=31536000' });
    expect(seen[0]?.clientCertificate).toBeUndefined();
    await expect(call(port, { ca: [] })).rejects.toThrow(/certificate/);
    await expect(post({ port }, HEALTH)).rejects.toThrow();
  });

  test('with client certificates, tells handlers whose it is, and connects nobody without', async () => {
    const { certFile, keyFile } = await pki.server();
    const client = await pki.client('billing');
    const { port, seen } = await serve(certFile, keyFile, true);
    const identity = { cert: fs.readFileSync(client.certFile), key: fs.readFileSync(client.keyFile) };
    expect((await call(port, identity)).status).toBe(200);
    expect(seen[0]?.clientCertificate?.commonName).toBe('billing');
    await expect(call(port, {})).rejects.toThrow();
    expect(seen).toHaveLength(1);
  });

  test('shows new connections a renewed certificate', async () => {
    const { certFile, keyFile } = await pki.server('renewed');
    const { port } = await serve(certFile, keyFile);
    const before = (await call(port, {})).serial;
    await pki.server('renewed');
    await until(async () => (await call(port, {})).serial !== before);
  });
});
