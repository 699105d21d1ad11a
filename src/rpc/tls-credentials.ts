// Credentials of gRPC, and options of connections that others make with Node's TLS, over certificate files that may change: connections made after
// a renewal use the new certificate, those that stand go on. What a client checks is the same in both: the authority always, the name unless told not to.
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { type ChannelCredentials, credentials, experimental, type ServerCredentials } from '@grpc/grpc-js';
import type { CertificateFiles, Certificates } from './certificate-files.ts';

/** How a server proves itself, and whether its callers must. */
export interface ServerTls {
  readonly files: CertificateFiles;
  /** mTLS: connections without a certificate of one of the authorities are refused. */
  readonly requireClientAuth: boolean;
}

export interface ClientTls {
  readonly files: CertificateFiles;
  /** Name that the server's certificate must have, when that is not the address's; empty: the address's. */
  readonly serverName: string;
  /** False: any name will do. The certificate must be of one of the authorities in any case. */
  readonly enableHostVerification: boolean;
}

export function serverCredentials({ files, requireClientAuth }: ServerTls): ServerCredentials {
  const provider = providerOf(files);
  // The declaration names the first two parameters the other way round than the function takes them: identity, then authorities.
  return experimental.createCertificateProviderServerCredentials(
    provider,
    requireClientAuth ? provider : null,
    requireClientAuth,
  );
}

/** `address` is host:port. */
export function clientCredentials(tls: ClientTls | undefined, address: string): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const provider = providerOf(tls.files);
  const identity = tls.files.current().cert === undefined ? null : provider;
  return experimental.createCertificateProviderChannelCredentials(provider, identity, {
    checkServerIdentity: identityCheck(tls, hostOf(address)),
  });
}

type IdentityCheck = typeof checkServerIdentity;

/** `host`: that of the connection, where what TLS was asked for may be another. */
function identityCheck({ serverName, enableHostVerification }: ClientTls, host = ''): IdentityCheck {
  if (!enableHostVerification) return () => undefined;
  return (asked, certificate) => checkServerIdentity(serverName || host || asked, certificate);
}

/** With what an HTTP agent or a driver connects. */
export interface TlsConnectionOptions extends ConnectionOptions {
  /** What is wrong with the name in the certificate. To be asked by a driver that checks otherwise, or not at all. */
  readonly checkServerIdentity: IdentityCheck;
}

/** As of now: to be asked again for each connection. */
export function connectionOptions(tls: ClientTls): TlsConnectionOptions {
  const { ca, hasOwnCa, cert, key } = tls.files.current();
  const { serverName } = tls;
  return {
    // Else Node's default, to which NODE_EXTRA_CA_CERTS adds.
    ...(hasOwnCa && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(serverName !== '' && isIP(serverName) === 0 && { servername: serverName }),
    rejectUnauthorized: true,
    checkServerIdentity: identityCheck(tls),
  };
}

// TLS has no name for an address, and Node warns of one that is sent. The certificate is checked for the address all the same.
const NAME_OF_ADDRESSES = 'localhost';

/** Channel options that go with the credentials. */
export function clientTlsOptions(tls: ClientTls | undefined, address: string): Record<string, string> {
  if (tls === undefined) return {};
  const name = tls.serverName === '' && isIP(hostOf(address)) !== 0 ? NAME_OF_ADDRESSES : tls.serverName;
  return name === '' ? {} : { 'grpc.ssl_target_name_override': name };
}

const hostOf = (address: string): string => address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');

type Provider = experimental.CertificateProvider;

/** grpc-js listens for authorities and identity apart, and expects to be told later than it asks. */
function providerOf(files: CertificateFiles): Provider {
  const stops = new Map<unknown, () => void>();
  const listen = (listener: unknown, tell: (certificates: Certificates) => void): void => {
    stops.set(listener, files.onChange(tell));
    void Promise.resolve().then(() => {
      if (stops.has(listener)) tell(files.current());
    });
  };
  const stop = (listener: unknown): void => {
    stops.get(listener)?.();
    stops.delete(listener);
  };
  return {
    addCaCertificateListener: (listener) => listen(listener, ({ ca }) => listener({ caCertificate: ca })),
    removeCaCertificateListener: stop,
    addIdentityCertificateListener: (listener) =>
      listen(listener, ({ cert, key }) =>
        listener(cert === undefined || key === undefined ? null : { certificate: cert, privateKey: key }),
      ),
    removeIdentityCertificateListener: stop,
  };
}
