// Certificates for tests, made by the same code as `antiphon auth cert`, in a folder of the test's own.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeCertificate } from '#auth';

/** Tests that need certificates are skipped, by name, where openssl is not installed. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

export interface Pki {
  readonly folder: string;
  readonly ca: string;
  /** Files of a server certificate; made anew at each call. */
  server(name?: string, hosts?: readonly string[]): Promise<{ certFile: string; keyFile: string }>;
  client(commonName: string): Promise<{ certFile: string; keyFile: string }>;
  remove(): void;
}

export function createPki(): Pki {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-pki-'));
  return {
    folder,
    ca: path.join(folder, 'ca.pem'),
    server: (name = 'server', hosts = ['localhost', '127.0.0.1']) => makeCertificate(folder, { name, hosts, days: 2 }),
    client: (commonName) => makeCertificate(folder, { name: commonName, hosts: [], days: 2 }),
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

/** Waits for a condition; the test's own timeout ends it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
