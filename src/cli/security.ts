// How the CLI proves who its user is and checks whom it talks to: --jwt, --jwt-private-key, --tls-…, each also from the environment, under our
// names and those of Cadence's CLI. Values of tokens and keys never appear in output, help or errors.
import { type Command, Option } from 'commander';
import type { Env } from '#env';
import { type CertificateFiles, type ClientTls, createCertificateFiles } from '#rpc';
import { usageError } from './failure.ts';
import { setAliases } from './spec/command-line.ts';

export interface SecurityOptions {
  jwt?: string;
  jwtPrivateKey?: string;
  tls?: boolean;
  tlsCa?: string;
  tlsCert?: string;
  tlsKey?: string;
  tlsServerName?: string;
  tlsHostVerification?: boolean;
}

const aliased = (option: Option, ...names: string[]): Option => {
  setAliases(option, names);
  return option;
};

export function addSecurityOptions(program: Command): Command {
  return program
    .addOption(new Option('--jwt <token>', 'token that says who you are').env('ANTIPHON_JWT'))
    .addOption(
      aliased(
        new Option(
          '--jwt-private-key <file>',
          "make an admin's token with this key for each command; --jwt counts more",
        ).env('ANTIPHON_JWT_PRIVATE_KEY'),
        'jwt-pk',
      ),
    )
    .addOption(new Option('--tls', 'connect over TLS, trusting the authorities of the system').env('ANTIPHON_TLS'))
    .addOption(
      aliased(
        new Option('--tls-ca <file>', "connect over TLS, trusting this file's authorities").env('ANTIPHON_TLS_CA'),
        'tls-cert-path',
        'tcp',
      ),
    )
    .addOption(new Option('--tls-cert <file>', 'your own certificate, for mTLS').env('ANTIPHON_TLS_CERT'))
    .addOption(new Option('--tls-key <file>', 'its private key').env('ANTIPHON_TLS_KEY'))
    .addOption(
      new Option('--tls-server-name <name>', "name in the server's certificate, when not that of --address").env(
        'ANTIPHON_TLS_SERVER_NAME',
      ),
    )
    .addOption(new Option('--no-tls-host-verification', "take any name in the server's certificate"));
}

const OWN_TOKEN_SECONDS = 600;

export interface ConnectionSecurity {
  readonly tls: ClientTls | undefined;
  readonly authorization: (() => Promise<string>) | undefined;
  close(): void;
}

export function securityOf(options: SecurityOptions, env: Env): ConnectionSecurity {
  const tls = tlsOf(options, env);
  return { tls, authorization: authorizationOf(options, env), close: () => tls?.files.close() };
}

function authorizationOf(options: SecurityOptions, env: Env): (() => Promise<string>) | undefined {
  const jwt = options.jwt || process.env.CADENCE_CLI_JWT;
  if (jwt) return async () => jwt.trim();
  const file = options.jwtPrivateKey || process.env.CADENCE_CLI_JWT_PRIVATE_KEY;
  if (!file) return undefined;
  let token: Promise<string> | undefined;
  return () => {
    token ??= ownToken(file, env);
    return token;
  };
}

async function ownToken(file: string, env: Env): Promise<string> {
  // Loaded by those who use it: other commands start faster.
  const { signTokenWithFile } = await import('#auth');
  const subject = `antiphon-cli:${process.env.USER ?? 'unknown'}`;
  const request = { subject, groups: [], admin: true, ttlSeconds: OWN_TOKEN_SECONDS };
  try {
    return await signTokenWithFile(file, request, env.clock.nowMs());
  } catch (error) {
    throw usageError(`--jwt-private-key: ${(error as Error).message}`, 'Make a key with: antiphon auth keygen');
  }
}

function tlsOf(options: SecurityOptions, env: Env): ClientTls | undefined {
  const ca = options.tlsCa || process.env.CADENCE_CLI_TLS_CERT_PATH || '';
  const { tlsCert = '', tlsKey = '', tlsServerName = '', tlsHostVerification = true } = options;
  const isAsked = [ca, tlsCert, tlsKey, tlsServerName].some((text) => text !== '') || !tlsHostVerification;
  if (!options.tls && !isAsked) return undefined;
  if ((tlsCert === '') !== (tlsKey === '')) throw usageError('--tls-cert and --tls-key belong together.');
  let files: CertificateFiles;
  try {
    files = createCertificateFiles({ certFile: tlsCert, keyFile: tlsKey, caFiles: ca === '' ? [] : [ca] }, env);
  } catch (error) {
    throw usageError(`TLS: ${(error as Error).message}`);
  }
  return { files, serverName: tlsServerName, enableHostVerification: tlsHostVerification };
}
