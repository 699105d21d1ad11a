// TLS of a server process from its config: certificate files are opened once for each use, and closed with the server.
import { authoritiesOf, type ConnectionTls, type ListenerTls } from '#config';
import type { Env } from '#env';
import {
  type CertificateFiles,
  type CertificatePaths,
  type ClientTls,
  connectionOptions,
  createCertificateFiles,
  type ServerTls,
  type TlsConnectionOptions,
} from '#rpc';

export interface TlsRegistry {
  /** undefined: the listener is plain text. */
  listener(tls: ListenerTls): ServerTls | undefined;
  connection(tls: ConnectionTls | undefined): ClientTls | undefined;
  /** The same for drivers of stores, which ask for each connection. undefined: in the clear. */
  options(tls: ConnectionTls): (() => TlsConnectionOptions) | undefined;
  close(): void;
}

/** @throws CertificateError when files are missing or wrong: a server that cannot prove itself does not start. */
export function createTlsRegistry(env: Env): TlsRegistry {
  const opened: CertificateFiles[] = [];
  const open = (paths: CertificatePaths): CertificateFiles => {
    const files = createCertificateFiles(paths, env);
    opened.push(files);
    return files;
  };
  const connection = (tls: ConnectionTls | undefined): ClientTls | undefined =>
    tls?.enabled
      ? {
          files: open({ certFile: tls.certFile ?? '', keyFile: tls.keyFile ?? '', caFiles: authoritiesOf(tls) }),
          serverName: tls.serverName ?? '',
          enableHostVerification: tls.enableHostVerification ?? true,
        }
      : undefined;
  return {
    listener: (tls) => (tls.enabled ? { files: open(tls), requireClientAuth: tls.requireClientAuth } : undefined),
    connection,
    options: (tls) => {
      const client = connection(tls);
      return client && (() => connectionOptions(client));
    },
    close: () => {
      for (const files of opened) files.close();
    },
  };
}
