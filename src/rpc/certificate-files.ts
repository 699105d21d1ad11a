// Certificates and keys read from files, and read again while the process runs: a renewed certificate is used by the next connection, without a
// restart. A file that cannot be used (half written, key of another certificate) is reported once and the last good content stays in use, so a
// botched renewal does not take the service down before the old certificate ends. Keys live in memory only and are never logged.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { Env, Gauge, TimerHandle } from '#env';

export interface CertificatePaths {
  /** PEM chain, leaf first. With `keyFile`, or both empty. */
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM certificates that peers are verified with; none: those the system trusts. */
  readonly caFiles: readonly string[];
}

export interface Certificates {
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly ca: Buffer;
  /** False: no authorities were named, and `ca` are those that Node brings. */
  readonly hasOwnCa: boolean;
}

export interface CertificateFiles {
  current(): Certificates;
  /** Called after each change with what is valid from now on. Returns the unsubscribe function. */
  onChange(listener: (certificates: Certificates) => void): () => void;
  close(): void;
}

export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

export const CERTIFICATE_POLL_MS = 10_000;

type Read = (file: string) => Buffer;

/** @throws CertificateError naming the file that is wrong. */
export function createCertificateFiles(
  paths: CertificatePaths,
  env: Env,
  pollMs: number = CERTIFICATE_POLL_MS,
): CertificateFiles {
  requireWhole(paths);
  return new PolledCertificateFiles(paths, env, pollMs);
}

class PolledCertificateFiles implements CertificateFiles {
  readonly #paths: CertificatePaths;
  readonly #env: Env;
  readonly #pollMs: number;
  readonly #listeners = new Set<(certificates: Certificates) => void>();
  #current: Certificates;
  #timer: TimerHandle;
  #isClosed = false;
  #lastFault = '';
  readonly #end: Gauge | undefined;

  constructor(paths: CertificatePaths, env: Env, pollMs: number) {
    this.#paths = paths;
    this.#env = env;
    this.#pollMs = pollMs;
    this.#current = checked(paths, (file) => readFileSync(file), env.clock.nowMs());
    if (paths.certFile !== '') {
      const help = 'When a certificate in use ends, in Unix seconds';
      this.#end = env.metrics.gauge('antiphon_certificate_end_seconds', help, { file: paths.certFile });
      this.#showEnd();
    }
    this.#timer = this.#schedule();
  }

  current(): Certificates {
    return this.#current;
  }

  onChange(listener: (certificates: Certificates) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.cancel();
    this.#listeners.clear();
  }

  #schedule(): TimerHandle {
    return this.#env.scheduler.after(this.#pollMs, () => {
      void this.#poll().then(() => {
        if (!this.#isClosed) this.#timer = this.#schedule();
      });
    });
  }

  #showEnd(): void {
    this.#end?.set(Math.floor(Date.parse(endOf(this.#current)) / 1000));
  }

  /** Never rejects: what is wrong with the files is logged, once for each fault. */
  async #poll(): Promise<void> {
    try {
      const read = await readAll(this.#paths);
      const next = checked(this.#paths, read, this.#env.clock.nowMs());
      this.#lastFault = '';
      if (this.#isClosed || areEqual(this.#current, next)) return;
      this.#current = next;
      this.#showEnd();
      this.#env.logger.info('certificates were renewed', { ...this.#paths, ends: endOf(next) });
      for (const listener of this.#listeners) listener(next);
    } catch (error) {
      const { message } = error as Error;
      if (message === this.#lastFault) return;
      this.#lastFault = message;
      this.#env.logger.error('renewed certificates cannot be used, the old ones stay in use', { reason: message });
    }
  }
}

function requireWhole({ certFile, keyFile }: CertificatePaths): void {
  if ((certFile === '') !== (keyFile === '')) {
    const missing = certFile === '' ? 'certFile' : 'keyFile';
    throw new CertificateError(`certFile and keyFile belong together, and ${missing} is missing`);
  }
}

async function readAll({ certFile, keyFile, caFiles }: CertificatePaths): Promise<Read> {
  const files = [certFile, keyFile, ...caFiles].filter((file) => file !== '');
  const contents = new Map<string, Buffer | Error>();
  for (const file of files) {
    contents.set(file, await readFile(file).catch((error: Error) => error));
  }
  return (file) => {
    const content = contents.get(file);
    if (content === undefined || content instanceof Error) throw content ?? new Error('it was not read');
    return content;
  };
}

function checked(paths: CertificatePaths, read: Read, nowMs: number): Certificates {
  const load = (file: string, what: string): Buffer => {
    try {
      return read(file);
    } catch (cause) {
      throw new CertificateError(`cannot read ${what} ${file}: ${(cause as Error).message}`, { cause });
    }
  };
  const { certFile, keyFile, caFiles } = paths;
  const cert = certFile === '' ? undefined : load(certFile, 'certFile');
  const key = keyFile === '' ? undefined : load(keyFile, 'keyFile');
  const authorities = caFiles.map((file) => requireCertificates(file, load(file, 'caFiles')));
  const hasOwnCa = authorities.length > 0;
  const ca = hasOwnCa ? Buffer.concat(authorities) : Buffer.from(rootCertificates.join('\n'));
  if (cert !== undefined && key !== undefined) requirePair(paths, cert, key, nowMs);
  return { cert, key, ca, hasOwnCa };
}

function requireCertificates(file: string, pem: Buffer): Buffer {
  const blocks = pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new CertificateError(`${file} holds no PEM certificate`);
  for (const block of blocks) parse(file, block);
  return Buffer.concat([pem, Buffer.from('\n')]);
}

function parse(file: string, pem: string | Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new CertificateError(`${file} holds a certificate that cannot be read`, { cause });
  }
}

function requirePair({ certFile, keyFile }: CertificatePaths, cert: Buffer, key: Buffer, nowMs: number): void {
  const { validTo } = parse(certFile, cert);
  if (Date.parse(validTo) <= nowMs) throw new CertificateError(`the certificate of ${certFile} ended on ${validTo}`);
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    // OpenSSL's text names what it could not do, never what is in the key.
    const { message } = cause as Error;
    throw new CertificateError(`${keyFile} is not the private key of ${certFile}: ${message}`, { cause });
  }
}

const endOf = ({ cert }: Certificates): string => (cert === undefined ? '' : new X509Certificate(cert).validTo);

const isSame = (a: Buffer | undefined, b: Buffer | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.equals(b));

const areEqual = (a: Certificates, b: Certificates): boolean =>
  isSame(a.cert, b.cert) && isSame(a.key, b.key) && isSame(a.ca, b.ca);
