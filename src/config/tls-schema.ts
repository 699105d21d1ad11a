// The configuration of TLS, one form for every listener and one for every connection: to another region, to a store, to OpenSearch. Names are
// Cadence's; its single `caFile` is taken too.

export interface ListenerTls {
  readonly enabled: boolean;
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFiles: readonly string[];
  /** mTLS: callers need a certificate of one of the `caFiles`. */
  readonly requireClientAuth: boolean;
}

export interface ConnectionTls {
  readonly enabled: boolean;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
  readonly caFiles?: readonly string[];
  readonly serverName?: string;
  readonly enableHostVerification?: boolean;
}

/** The convict schema of a listener's TLS. `env` is the prefix of its environment variables. */
export const listenerTlsSchema = (what: string, env: string) =>
  ({
    enabled: { doc: `Serve ${what} over TLS only.`, format: Boolean, default: false, env: `${env}_ENABLED` },
    certFile: {
      doc: 'Certificate chain, PEM, leaf first. Read again when it changes.',
      format: String,
      default: '',
      env: `${env}_CERT_FILE`,
    },
    keyFile: { doc: 'Its private key, PEM.', format: String, default: '', env: `${env}_KEY_FILE` },
    caFiles: {
      doc: 'Authorities, PEM, that certificates of callers are verified with.',
      format: Array,
      default: [] as string[],
      env: `${env}_CA_FILES`,
    },
    requireClientAuth: {
      doc: 'Refuse connections without a certificate of one of the authorities (mTLS).',
      format: Boolean,
      default: false,
      env: `${env}_REQUIRE_CLIENT_AUTH`,
    },
  }) as const;

/** The convict schema of the TLS of connections to `what`. `env` is the prefix of its environment variables. */
export const connectionTlsSchema = (what: string, env: string) =>
  ({
    enabled: { doc: `Connect to ${what} over TLS.`, format: Boolean, default: false, env: `${env}_ENABLED` },
    caFile: {
      doc: 'Authority, PEM, that its certificate is verified with; none of caFile and caFiles: those that Node knows.',
      format: String,
      default: '',
      env: `${env}_CA_FILE`,
    },
    caFiles: {
      doc: 'The same for several authorities.',
      format: Array,
      default: [] as string[],
      env: `${env}_CA_FILES`,
    },
    certFile: {
      doc: `Certificate to show to ${what}, PEM. Read again when it changes.`,
      format: String,
      default: '',
      env: `${env}_CERT_FILE`,
    },
    keyFile: { doc: 'Its private key, PEM.', format: String, default: '', env: `${env}_KEY_FILE` },
    serverName: {
      doc: 'Name that its certificate has, when it is not the host that is connected to.',
      format: String,
      default: '',
      env: `${env}_SERVER_NAME`,
    },
    enableHostVerification: {
      doc: 'Check the name in its certificate. False: any name will do, in a certificate of one of the authorities.',
      format: Boolean,
      default: true,
      env: `${env}_HOST_VERIFICATION`,
    },
  }) as const;

type KeyPair = Pick<ConnectionTls, 'certFile' | 'keyFile'>;

/** What is wrong with a connection's TLS; undefined: nothing. */
export function faultOfConnectionTls({ certFile = '', keyFile = '' }: KeyPair): string | undefined {
  if ((certFile === '') === (keyFile === '')) return undefined;
  return certFile === '' ? 'certFile is missing' : 'keyFile is missing';
}

/** What is wrong with a listener's TLS; undefined: nothing. */
export function faultOfListenerTls(tls: ListenerTls): string | undefined {
  if (!tls.enabled) return tls.requireClientAuth ? 'requireClientAuth needs enabled: true' : undefined;
  if (tls.certFile === '') return 'certFile is missing';
  if (tls.keyFile === '') return 'keyFile is missing';
  if (tls.requireClientAuth && tls.caFiles.length === 0) return 'requireClientAuth needs caFiles';
  return undefined;
}

const TEXTS = ['certFile', 'keyFile', 'caFile', 'serverName'] as const;
const FLAGS = ['enabled', 'enableHostVerification'] as const;
const KNOWN: ReadonlySet<string> = new Set([...TEXTS, ...FLAGS, 'caFiles']);

/** Throws naming the key that is wrong. `where` is the key of the whole. */
export function checkConnectionTls(value: unknown, where: string): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${where} must be a map`);
  const fields = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(fields)) {
    if (!KNOWN.has(key)) throw new Error(`${where}.${key} is not a key of TLS (${[...KNOWN].join(', ')})`);
  }
  for (const key of TEXTS) {
    if (fields[key] !== undefined && typeof fields[key] !== 'string') throw new Error(`${where}.${key} must be text`);
  }
  for (const key of FLAGS) {
    if (fields[key] !== undefined && typeof fields[key] !== 'boolean') {
      throw new Error(`${where}.${key} must be true or false`);
    }
  }
  const { caFiles = [] } = fields;
  if (!Array.isArray(caFiles) || caFiles.some((file) => typeof file !== 'string')) {
    throw new Error(`${where}.caFiles must be a list of files`);
  }
  const fault = faultOfConnectionTls(fields as KeyPair);
  if (fault !== undefined) throw new Error(`${where}.${fault}`);
}

/** The authorities of a connection, whichever way they were given. */
export const authoritiesOf = ({ caFile = '', caFiles = [] }: ConnectionTls): readonly string[] =>
  caFile === '' ? caFiles : [caFile, ...caFiles];
