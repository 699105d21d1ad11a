// PEM keys of tokens: what may sign and verify, told apart precisely. Private keys are made readable by their owner only, and a private key
// where a public one belongs is refused: the verifying side has no business with it.
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

export type SigningAlgorithm = 'RS256' | 'ES256';

const RSA_BITS_MIN = 2048;
const generate = promisify(generateKeyPair);

/** @throws saying what is wrong; no part of the key is in the text. */
export function publicKeyOf(pem: Buffer | string, algorithm: SigningAlgorithm): KeyObject {
  if (pem.toString().includes('PRIVATE KEY')) throw new Error('it is a private key; the public one belongs here');
  const key = createPublicKey(pem.toString());
  if (algorithmOf(key) !== algorithm) throw new Error(`the key is for ${algorithmOf(key)}, not for ${algorithm}`);
  return key;
}

export function privateKeyOf(pem: Buffer | string): { readonly key: KeyObject; readonly algorithm: SigningAlgorithm } {
  if (!pem.toString().includes('PRIVATE KEY')) throw new Error('it is no PEM private key');
  const key = createPrivateKey(pem.toString());
  return { key, algorithm: algorithmOf(key) };
}

function algorithmOf(key: KeyObject): SigningAlgorithm {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') {
    if (modulusLength < RSA_BITS_MIN)
      throw new Error(`the RSA key has ${modulusLength} bits, ${RSA_BITS_MIN} are needed`);
    return 'RS256';
  }
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ES256';
  throw new Error('the key is neither RSA nor of the curve P-256');
}

/** RS256 is what Cadence's Go client and CLI sign with. */
export async function makeKeyPair(algorithm: SigningAlgorithm): Promise<{ publicPem: string; privatePem: string }> {
  const { publicKey, privateKey } =
    algorithm === 'RS256'
      ? await generate('rsa', { modulusLength: RSA_BITS_MIN })
      : await generate('ec', { namedCurve: 'P-256' });
  return {
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }) as string, // PEM is text.
    // PKCS #8: the only form that Cadence's Go client reads.
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}
