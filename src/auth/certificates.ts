// Certificates for a first TLS setup: a private authority, and certificates that it signs. Node can read X.509 and cannot write it, so the openssl
// program does; without it the caller is told. Keys are P-256, files of keys are readable by their owner only. For production an authority
// that renews (cert-manager, step-ca, Vault) is the better place; the server takes its files the same way.
import { execFile } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export class OpensslError extends Error {
  override readonly name = 'OpensslError';
}

export interface CertificateFilesMade {
  readonly certFile: string;
  readonly keyFile: string;
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await run('openssl', [...args]);
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') {
      throw new OpensslError('The program openssl is needed to make certificates, and is not installed here.', {
        cause: error,
      });
    }
    throw new OpensslError(`openssl ${args[0]} failed: ${(stderr ?? '').trim() || String(code)}`, { cause: error });
  }
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

const filesIn = (folder: string, name: string): CertificateFilesMade => ({
  certFile: path.join(folder, `${name}.pem`),
  keyFile: path.join(folder, `${name}.key`),
});

/** Makes the authority `ca` in the folder, unless it is there. */
export async function ensureAuthority(folder: string, days: number): Promise<CertificateFilesMade> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = filesIn(folder, 'ca');
  if ((await exists(files.certFile)) && (await exists(files.keyFile))) return files;
  await openssl([
    ...['req', '-x509', ...CURVE, '-days', String(days), '-subj', '/CN=Antiphon private CA'],
    ...['-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ...['-keyout', files.keyFile, '-out', files.certFile],
  ]);
  await chmod(files.keyFile, 0o600);
  return files;
}

export interface LeafRequest {
  /** Name of the files and, without a common name of its own, of the certificate. */
  readonly name: string;
  readonly commonName?: string;
  /** Host names and addresses that a server certificate is for; none: a client's. */
  readonly hosts: readonly string[];
  readonly days: number;
}

const IP = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]+)$/i;
const NAME = /^[\w.*-]{1,64}$/;

/** Makes a certificate that the folder's authority signs, replacing one of that name. */
export async function makeCertificate(folder: string, request: LeafRequest): Promise<CertificateFilesMade> {
  const { name, hosts, days } = request;
  const commonName = request.commonName ?? name;
  for (const text of [name, commonName, ...hosts.filter((host) => !IP.test(host))]) {
    if (!NAME.test(text)) throw new OpensslError(`"${text}" is not a name: letters, digits, dot, dash, at most 64`);
  }
  const authority = await ensureAuthority(folder, days);
  const files = filesIn(folder, name);
  const scratch = await mkdtemp(path.join(folder, '.making-'));
  try {
    const requestFile = path.join(scratch, 'request.pem');
    const extensions = path.join(scratch, 'extensions.cnf');
    const made = filesIn(scratch, 'made');
    await writeFile(extensions, extensionsOf(hosts));
    await openssl([
      'req',
      '-new',
      ...CURVE,
      '-subj',
      `/CN=${commonName}`,
      '-keyout',
      made.keyFile,
      '-out',
      requestFile,
    ]);
    await openssl([
      ...['x509', '-req', '-in', requestFile, '-days', String(days), '-extfile', extensions],
      ...['-CA', authority.certFile, '-CAkey', authority.keyFile, '-CAcreateserial', '-CAserial', `${scratch}/serial`],
      ...['-out', made.certFile],
    ]);
    await chmod(made.keyFile, 0o600);
    await replacePair(made, files);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return files;
}

function extensionsOf(hosts: readonly string[]): string {
  const usage = hosts.length > 0 ? 'serverAuth,clientAuth' : 'clientAuth';
  const names = hosts.map((host) => (IP.test(host) ? `IP:${host}` : `DNS:${host}`)).join(',');
  const lines = ['basicConstraints=CA:FALSE', 'keyUsage=critical,digitalSignature', `extendedKeyUsage=${usage}`];
  return [...lines, ...(names === '' ? [] : [`subjectAltName=${names}`]), ''].join('\n');
}

/** A server that watches may see the new key beside the old certificate for a moment: it keeps the old pair and looks again. */
async function replacePair(from: CertificateFilesMade, to: CertificateFilesMade): Promise<void> {
  await rename(from.keyFile, to.keyFile);
  await rename(from.certFile, to.certFile);
}
