// Cadence's own command line against a server with TLS and JWT, by the flags and variables that it has for them.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPki, hasOpenssl } from '../../support/security/certificates.ts';
import { type SecureServer, startSecureServer } from '../../support/security/secure-server.ts';
import { binary } from './support.ts';

const pki = createPki();
let server: SecureServer;

// Not a synchronous process: the server is in this one.
const cadence = (
  environment: Record<string, string>,
  ...args: string[]
): Promise<{ failed: boolean; output: string }> =>
  new Promise((resolve) => {
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: pki.folder,
      CADENCE_CLI_ADDRESS: server.running.address,
      CADENCE_CLI_TRANSPORT_PROTOCOL: 'grpc',
      ...environment,
    };
    execFile(binary, args, { env }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: stdout + stderr }),
    );
  });

describe.skipIf(!fs.existsSync(binary) || !hasOpenssl)("Cadence's command line, secured (needs openssl)", () => {
  beforeAll(async () => {
    const certificate = await pki.server();
    server = await startSecureServer({ frontend: { tls: { enabled: true, ...certificate } } }, [pki.ca]);
  });
  afterAll(async () => {
    await server?.stop();
    pki.remove();
  });

  it('is an admin by the private key that it signs its own token with', async () => {
    const secure = ['--tls_cert_path', pki.ca, '--jwt-private-key', server.key.privateFile, '--do', 'by-cadence'];
    expect((await cadence({}, ...secure, 'domain', 'register')).output).toContain('successfully registered');
    expect((await cadence({}, ...secure, 'domain', 'describe')).output).toContain('Name: by-cadence');
  });

  it('is whom its token says, by flag or environment', async () => {
    const environment = { CADENCE_CLI_TLS_CERT_PATH: pki.ca, CADENCE_CLI_JWT: await server.token('reader') };
    const read = await cadence(environment, '--do', 'shop', 'workflow', 'list');
    expect(read).toEqual({ failed: false, output: expect.not.stringContaining('unauthorized') });
    const write = await cadence(environment, '--do', 'shop', 'workflow', 'terminate', '-w', 'nobody');
    expect(write).toEqual({ failed: true, output: expect.stringContaining('Request unauthorized.') });
    const stranger = ['--jwt', await server.token('other reader'), '--do', 'shop', 'workflow', 'list'];
    const other = await cadence({ CADENCE_CLI_TLS_CERT_PATH: pki.ca }, ...stranger);
    expect(other.output).toContain('Request unauthorized.');
  });

  it('gets no connection in plain text', async () => {
    expect(await cadence({}, '--ct', '3', '--do', 'shop', 'domain', 'describe')).toMatchObject({ failed: true });
  });
});
