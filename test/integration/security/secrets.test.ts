// No secret leaves: a server with marked secrets is used, provoked and stopped, and everything that it wrote down is searched for the marks.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { RegisterDomainRequest, StartWorkflowExecutionRequest } from '@antiphon/proto';
import { ListAuditRecordsRequest } from '@antiphon/proto/audit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createRealEnv } from '#env';
import { createCertificateFiles, createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { bundleCli, type Cli } from '../../support/cli.ts';
import { createPki, hasOpenssl, until } from '../../support/security/certificates.ts';
import { createSigningKey, nowSeconds, type SigningKey } from '../../support/security/tokens.ts';

const env = createRealEnv();
const pki = createPki();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-secrets-'));
let key: SigningKey;
let cli: Cli;

const get = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    http
      .get(url, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve(text));
      })
      .on('error', reject);
  });

/** What must be nowhere: each distinctive part of a PEM body, and each part of a token. */
const marksOf = (secret: string): readonly string[] =>
  secret
    .replace(/-----[^-]+-----/g, '')
    .split(/[\s.]+/)
    .filter((part) => part.length >= 20)
    .map((part) => part.slice(0, 60));

describe.skipIf(!hasOpenssl)('secrets (needs openssl)', () => {
  beforeAll(async () => {
    key = await createSigningKey();
    await pki.server();
    cli = await bundleCli({});
  });
  afterAll(() => {
    cli.remove();
    pki.remove();
    key.remove();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test('are in no log line, error, metric or audit record, whatever goes wrong', async () => {
    const config = path.join(folder, 'server.yaml');
    fs.writeFileSync(
      config,
      `frontend:
  address: 127.0.0.1:0
  tls: { enabled: true, certFile: '${pki.folder}/server.pem', keyFile: '${pki.folder}/server.key' }
metrics: { address: '127.0.0.1:0' }
persistence: { sqlite: { path: '${folder}/antiphon.db' } }
log: { level: debug }
cluster: { authorizationProvider: { privateKey: '${key.privateFile}' } }
authorization:
  oauthAuthorizer: { enable: true, jwtCredentials: { publicKey: '${key.publicFile}' } }
`,
    );
    const server = spawn(process.execPath, [cli.entry, 'server', 'start', '-c', config, '-o', 'jsonl']);
    let written = '';
    server.stdout.on('data', (chunk) => (written += chunk));
    server.stderr.on('data', (chunk) => (written += chunk));
    onTestFinished(() => void server.kill('SIGKILL'));
    // Its logs are written beside it.
    const ready = (): string | undefined =>
      written
        .split('\n')
        .find((line) => line.startsWith('{') && line.endsWith('}') && line.includes('"metricsAddress"'));
    await until(() => ready() !== undefined);
    const { address, metricsAddress } = JSON.parse(ready() ?? '') as { address: string; metricsAddress: string };

    const good = await key.token({ subject: 'root', admin: true });
    const expired = key.raw({ sub: 'late', exp: nowSeconds() - 60 });
    const foreign = `${good.slice(0, -8)}AAAAAAAA`;
    const garbage = 'MARKED-SECRET-THAT-IS-NO-TOKEN-AT-ALL';
    const securityToken = 'MARKED-SECURITY-TOKEN-OF-AN-ADMIN';
    const files = createCertificateFiles({ certFile: '', keyFile: '', caFiles: [pki.ca] }, env);
    const clients: RemoteFrontendClient[] = [];
    const client = (authorization: string, headers: Record<string, string> = {}): RemoteFrontendClient => {
      const made = createRemoteFrontendClient(address, {
        env,
        authorization,
        headers,
        tls: { files, serverName: '', enableHostVerification: true },
      });
      clients.push(made);
      return made;
    };
    let answers = '';
    const note = async (call: Promise<unknown>): Promise<void> => {
      answers += await call.then(
        (reply) => JSON.stringify(reply, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
        (error: Error) => `${error.message} ${error.stack}`,
      );
    };
    const register = RegisterDomainRequest.fromPartial({
      name: 'shop',
      securityToken,
      workflowExecutionRetentionPeriod: { seconds: 86_400n },
    });
    await note(client(good).domain.registerDomain(register));
    await note(client(good).domain.registerDomain(register)); // It is there already.
    const bad = StartWorkflowExecutionRequest.fromPartial({ domain: 'shop', workflowId: 'w', requestId: 'no uuid' });
    for (const token of [good, expired, foreign, garbage]) {
      await note(client(token).workflow.startWorkflowExecution(bad));
      await note(client('', { authorization: `Bearer ${token}` }).workflow.startWorkflowExecution(bad));
      await new Promise((resolve) => setTimeout(resolve, 1100)); // Refusals are logged once a second: each is to be seen.
    }
    await note(client(good).audit.listAuditRecords(ListAuditRecordsRequest.fromPartial({})));
    fs.writeFileSync(`${pki.folder}/server.key`, fs.readFileSync(`${pki.folder}/ca.key`));
    await until(() => written.includes('renewed certificates cannot be used'));
    const metrics = await get(`http://${metricsAddress}/metrics`);
    const stopped = new Promise((resolve) => server.once('close', resolve));
    server.kill('SIGTERM');
    await stopped;
    for (const one of clients) one.close();
    files.close();

    expect(written).toContain('call is not authorized');
    expect(written).toContain('the token is expired');
    expect(answers).toContain('RegisterDomain');
    const secrets = [
      good,
      expired,
      garbage,
      securityToken,
      ...[key.privateFile, `${pki.folder}/ca.key`].map((file) => fs.readFileSync(file, 'utf8')),
    ];
    const places = { written, answers, metrics, store: fs.readFileSync(`${folder}/antiphon.db`, 'latin1') };
    const found = secrets.flatMap(marksOf).flatMap((mark) =>
      Object.entries(places)
        .filter(([, text]) => text.includes(mark))
        .map(([place]) => `${place}: ${mark}`),
    );
    expect(found).toEqual([]);
  });

  test('are not shown by the command line when it fails', async () => {
    const secret = 'MARKED-TOKEN-OF-A-USER-WHO-MISTYPED';
    const results = [
      await cli.run('--jwt', secret, '--address', '127.0.0.1:1', 'domain', 'list'),
      await cli.run('--jwt', secret, 'domain', 'no-such-command'),
      await cli.run('--jwt-private-key', key.publicFile, '--address', '127.0.0.1:1', 'domain', 'list'),
      await cli.runWith({ environment: { ANTIPHON_JWT: secret } }, 'domain', '--help'),
    ];
    for (const { stdout, stderr } of results) expect(stdout + stderr).not.toContain(secret);
    expect(results[2]?.stderr).toContain('it is no PEM private key');
  });
});
