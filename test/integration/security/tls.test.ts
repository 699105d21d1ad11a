// TLS and mTLS over real sockets: who may connect, and certificates that are renewed while the server runs.
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import tls from 'node:tls';
import { WorkflowAPIService } from '@antiphon/proto';
import { connect as connectSdk } from '@antiphon/sdk/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRealEnv, type Env, type LogFields, quietLogger } from '#env';
import { createPrometheusMetrics, serveMetrics } from '#observability';
import {
  type CallContext,
  type CertificateFiles,
  type ClientTls,
  createCertificateFiles,
  createGrpcServer,
  createRemoteFrontendClient,
  type RemoteFrontendClient,
} from '#rpc';
import { createPki, hasOpenssl, until } from '../../support/security/certificates.ts';

const env = createRealEnv();
const request = WorkflowAPIService.getClusterInfo.requestDeserialize(Buffer.alloc(0));
const pki = createPki();
const otherPki = createPki();
const opened: { close(): unknown }[] = [];

const files = (
  paths: { certFile?: string; keyFile?: string; caFiles?: string[] },
  own: Env = env,
): CertificateFiles => {
  const made = createCertificateFiles({ certFile: '', keyFile: '', caFiles: [], ...paths }, own, 20);
  opened.push(made);
  return made;
};

/** A server whose one RPC answers with what it saw of its caller's certificate. */
async function serve(certificates: CertificateFiles, requireClientAuth = false) {
  let seen: CallContext['clientCertificate'];
  let token = '';
  let release: () => void = () => {};
  const server = createGrpcServer({
    env,
    address: '127.0.0.1:0',
    tls: { files: certificates, requireClientAuth },
    services: {
      workflow: {
        async getClusterInfo(_, context) {
          seen = context.clientCertificate;
          token = context.authorization;
          return { supportedClientVersions: undefined };
        },
        describeWorkflowExecution: () =>
          new Promise((resolve) => {
            release = () => resolve(WorkflowAPIService.describeWorkflowExecution.responseDeserialize(Buffer.alloc(0)));
          }),
      },
    },
  });
  const { address, port } = await server.start();
  opened.push({ close: () => server.stop(50) });
  return { address, port, certificate: () => seen, authorization: () => token, release: () => release() };
}

function connect(
  address: string,
  given: (Partial<ClientTls> & { caFiles?: string[] }) | undefined,
): RemoteFrontendClient {
  const client = createRemoteFrontendClient(address, {
    env,
    tls: given && { files: files({ caFiles: [pki.ca] }), serverName: '', enableHostVerification: true, ...given },
  });
  opened.push(client);
  return client;
}

const ask = (client: RemoteFrontendClient) => client.workflow.getClusterInfo(request, { timeoutMs: 2000 });

/** Serial number of the certificate that a new connection is shown. */
const serialOf = (port: number, protocol = 'h2'): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = tls.connect(
      { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: [protocol] },
      () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      },
    );
    socket.on('error', reject);
  });

describe.skipIf(!hasOpenssl)('TLS (needs openssl)', () => {
  beforeAll(async () => {
    await pki.server();
    await otherPki.server();
    await otherPki.client('mallory');
  });
  afterAll(async () => {
    for (const one of opened) await one.close();
    pki.remove();
    otherPki.remove();
  });
  const serverFiles = (caFiles: string[] = []) =>
    files({
      ...{ certFile: path.join(pki.folder, 'server.pem'), keyFile: path.join(pki.folder, 'server.key') },
      caFiles,
    });

  test('a caller who trusts the authority is served', async () => {
    const server = await serve(serverFiles());
    await expect(ask(connect(server.address, {}))).resolves.toBeDefined();
    expect(server.certificate()).toBeUndefined();
  });

  test.each([
    ['plain text', undefined],
    ['another authority', { files: undefined }],
    ['another name', { serverName: 'elsewhere.example' }],
  ])('a caller with %s is not connected', async (what, given) => {
    const server = await serve(serverFiles());
    const tlsOptions = what === 'another authority' ? { files: files({ caFiles: [otherPki.ca] }) } : given;
    await expect(ask(connect(server.address, tlsOptions as Partial<ClientTls>))).rejects.toMatchObject({
      kind: 'Unavailable',
    });
  });

  test('the name that counts can be given, or left out', async () => {
    const named = await pki.server('named', ['cadence.internal']);
    const server = await serve(files(named));
    await expect(ask(connect(server.address, {}))).rejects.toMatchObject({ kind: 'Unavailable' });
    await expect(ask(connect(server.address, { serverName: 'cadence.internal' }))).resolves.toBeDefined();
    await expect(ask(connect(server.address, { enableHostVerification: false }))).resolves.toBeDefined();
  });

  test('a certificate for a name is none for an address', async () => {
    const server = await serve(files(await pki.server('by-name', ['localhost'])));
    await expect(ask(connect(server.address, {}))).rejects.toMatchObject({ kind: 'Unavailable' });
    await expect(ask(connect(`localhost:${server.port}`, {}))).resolves.toBeDefined();
    await expect(ask(connect(server.address, { serverName: 'localhost' }))).resolves.toBeDefined();
  });

  test("the SDK's connection speaks it, with a token that it is given for each call", async () => {
    const server = await serve(serverFiles([pki.ca]), true);
    const worker = await pki.client('sdk-worker');
    const read = (file: string): Buffer => fs.readFileSync(file);
    const own = { ca: read(pki.ca), cert: read(worker.certFile), key: read(worker.keyFile) };
    const call = async (options: { serverName?: string }): Promise<unknown> => {
      let tokens = 0;
      const authorization = async () => `token-${++tokens}`;
      const connection = connectSdk({ address: server.address, tls: { ...own, ...options }, authorization });
      try {
        return await connection.calls.call(WorkflowAPIService.getClusterInfo, request, { expiryMs: 1000 });
      } finally {
        connection.close();
      }
    };
    await expect(call({})).resolves.toBeDefined();
    expect(server.certificate()?.commonName).toBe('sdk-worker');
    expect(server.authorization()).toBe('token-1');
    await expect(call({ serverName: 'elsewhere.example' })).rejects.toThrow();
    await expect(call({ serverName: 'localhost' })).resolves.toBeDefined();
  });

  test('without name verification the authority still counts', async () => {
    const server = await serve(serverFiles());
    const strangers = { files: files({ caFiles: [otherPki.ca] }), enableHostVerification: false };
    await expect(ask(connect(server.address, strangers))).rejects.toMatchObject({ kind: 'Unavailable' });
  });

  test('mTLS refuses callers without a certificate of the authority and shows the others', async () => {
    const server = await serve(serverFiles([pki.ca]), true);
    const worker = await pki.client('worker-1');
    const mallory = await otherPki.client('mallory');
    await expect(ask(connect(server.address, {}))).rejects.toMatchObject({ kind: 'Unavailable' });
    const foreign = { files: files({ ...mallory, caFiles: [pki.ca] }) };
    await expect(ask(connect(server.address, foreign))).rejects.toMatchObject({ kind: 'Unavailable' });
    await expect(
      ask(connect(server.address, { files: files({ ...worker, caFiles: [pki.ca] }) })),
    ).resolves.toBeDefined();
    expect(server.certificate()).toEqual({ commonName: 'worker-1', alternativeNames: [] });
  });

  test('a renewed certificate is shown to new connections, and a standing one goes on', async () => {
    const pair = await pki.server('renewed');
    const server = await serve(files(pair));
    const before = await serialOf(server.port);
    const standing = connect(server.address, {});
    const slow = standing.workflow.describeWorkflowExecution(
      WorkflowAPIService.describeWorkflowExecution.requestDeserialize(Buffer.alloc(0)),
    );
    await ask(standing);
    await pki.server('renewed');
    const renewed = new X509Certificate(fs.readFileSync(pair.certFile)).serialNumber;
    expect(renewed).not.toBe(before);
    await until(async () => (await serialOf(server.port)) === renewed);
    await expect(ask(standing)).resolves.toBeDefined();
    server.release();
    await expect(slow).resolves.toBeDefined();
    await expect(ask(connect(server.address, {}))).resolves.toBeDefined();
  });

  test('a client uses its renewed certificate for its next connection', async () => {
    const pair = await otherPki.client('renewed-client');
    const own = files({ ...pair, caFiles: [pki.ca] });
    const server = await serve(serverFiles([pki.ca]), true);
    await expect(ask(connect(server.address, { files: own }))).rejects.toMatchObject({ kind: 'Unavailable' });
    const good = await pki.client('renewed-client');
    const changed = new Promise<void>((resolve) => void own.onChange(() => resolve()));
    fs.copyFileSync(good.keyFile, pair.keyFile);
    fs.copyFileSync(good.certFile, pair.certFile);
    await changed;
    await expect(ask(connect(server.address, { files: own }))).resolves.toBeDefined();
    expect(server.certificate()?.commonName).toBe('renewed-client');
  });

  test('a botched renewal is reported once and changes nothing', async () => {
    const lines: { message: string; fields: LogFields | undefined }[] = [];
    const logger = {
      ...quietLogger,
      error: (message: string, fields?: LogFields) => void lines.push({ message, fields }),
    };
    const pair = await pki.server('botched');
    const server = await serve(files(pair, { ...env, logger }));
    const before = await serialOf(server.port);
    fs.copyFileSync(path.join(pki.folder, 'server.key'), pair.keyFile);
    await until(() => lines.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 100)); // Several polls: the report is not repeated.
    expect(lines).toHaveLength(1);
    expect(lines[0]?.message).toBe('renewed certificates cannot be used, the old ones stay in use');
    expect(lines[0]?.fields?.reason).toContain('is not the private key of');
    expect(JSON.stringify(lines)).not.toContain('BEGIN');
    expect(await serialOf(server.port)).toBe(before);
  });

  test.each([
    ['cannot read certFile', () => ({ certFile: '/nowhere.pem', keyFile: path.join(pki.folder, 'server.key') })],
    ['keyFile is missing', () => ({ certFile: path.join(pki.folder, 'server.pem') })],
    [
      'is not the private key of',
      () => ({ certFile: path.join(pki.folder, 'server.pem'), keyFile: path.join(pki.folder, 'ca.key') }),
    ],
    ['holds no PEM certificate', () => ({ caFiles: [path.join(pki.folder, 'server.key')] })],
  ])('a server with wrong files does not start: %s', (text, paths) => {
    expect(() => files(paths())).toThrow(text);
  });

  test('beyond loopback, callers are known or it is said to be insecure', async () => {
    const options = { env, address: '0.0.0.0:0', services: {} };
    expect(() => createGrpcServer(options)).toThrow('only loopback addresses are allowed');
    for (const allowed of [{ insecure: true }, { authenticate: () => undefined }]) {
      const server = createGrpcServer({ ...options, ...allowed });
      await server.start();
      await server.stop(0);
    }
  });

  test('metrics are served over TLS, with renewal', async () => {
    const pair = await pki.server('metrics');
    const metrics = createPrometheusMetrics({});
    const certificates = files(pair, { ...env, metrics });
    const listener = await serveMetrics({
      address: '127.0.0.1:0',
      metrics,
      isHealthy: () => true,
      tls: { files: certificates, requireClientAuth: false },
    });
    const status = await new Promise((resolve, reject) => {
      https
        .get(`https://${listener.address}/health`, { ca: fs.readFileSync(pki.ca) }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
        .on('error', reject);
    });
    expect(status).toBe(200);
    await pki.server('metrics');
    const renewed = new X509Certificate(fs.readFileSync(pair.certFile)).serialNumber;
    await until(async () => (await serialOf(Number(listener.address.split(':')[1]), 'http/1.1')) === renewed);
    const end = /antiphon_certificate_end_seconds\{.*metrics\.pem.*\} (\d+)/.exec((await metrics.render()).body)?.[1];
    expect(Number(end) * 1000).toBe(Date.parse(new X509Certificate(fs.readFileSync(pair.certFile)).validTo));
    await listener.close();
  });
});
