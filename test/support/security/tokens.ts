// Tokens for tests: signed by the code of `antiphon auth token`, and by hand where a test needs one that is wrong.
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeKeyPair, type SigningAlgorithm, signToken } from '#auth';

export interface SigningKey {
  readonly folder: string;
  readonly publicFile: string;
  readonly privateFile: string;
  readonly algorithm: SigningAlgorithm;
  readonly key: KeyObject;
  token(claims: {
    subject?: string;
    groups?: readonly string[];
    admin?: boolean;
    ttlSeconds?: number;
  }): Promise<string>;
  /** Any header and payload, well signed. */
  raw(payload: object, header?: object): string;
  remove(): void;
}

export async function createSigningKey(algorithm: SigningAlgorithm = 'RS256'): Promise<SigningKey> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-keys-'));
  const { publicPem, privatePem } = await makeKeyPair(algorithm);
  const publicFile = path.join(folder, 'public.pem');
  const privateFile = path.join(folder, 'private.pem');
  fs.writeFileSync(publicFile, publicPem);
  fs.writeFileSync(privateFile, privatePem, { mode: 0o600 });
  const key = createPrivateKey(privatePem);
  return {
    folder,
    publicFile,
    privateFile,
    algorithm,
    key,
    token: ({ subject = 'somebody', groups = [], admin = false, ttlSeconds = 600 }) =>
      signToken({ key, algorithm }, { subject, groups, admin, ttlSeconds }, Date.now()),
    raw: (payload, header = { alg: algorithm, typ: 'JWT' }) => rawToken(header, payload, key),
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export function rawToken(header: object, payload: object, key: KeyObject): string {
  const text = `${encoded(header)}.${encoded(payload)}`;
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);
