// The configuration of authentication and authorization. The names of `oauthAuthorizer` are Cadence's, so that its config can be carried over;
// `provider.jwksFile`, `issuer`, `audience` and `certificates` are ours.

/** Whom a client certificate stands for. The first that fits counts. */
export interface CertificateIdentity {
  /** Common name, or an alternative name as `DNS:worker.example` or `URI:spiffe://prod/worker`. */
  readonly subject: string;
  /** For logs and the audit; the subject by default. */
  readonly name?: string;
  readonly groups?: readonly string[];
  readonly admin?: boolean;
}

export interface AuthorizationConfig {
  readonly oauthAuthorizer: {
    readonly enable: boolean;
    readonly maxJwtTTL: number;
    readonly jwtCredentials: { readonly algorithm: 'RS256' | 'ES256'; readonly publicKey: string };
    readonly provider: {
      readonly jwksURL: string;
      readonly jwksFile: string;
      readonly groupsAttributePath: string;
      readonly adminAttributePath: string;
    };
    readonly issuer: string;
    readonly audience: string;
  };
  readonly certificates: readonly CertificateIdentity[];
}

const SUBJECT_KEYS: ReadonlySet<string> = new Set(['subject', 'name', 'groups', 'admin']);

/** Throws naming the entry that is wrong. */
function identities(value: unknown): void {
  if (!Array.isArray(value)) throw new Error('must be a list of { subject, name, groups, admin }');
  for (const [index, entry] of value.entries()) {
    if (typeof entry !== 'object' || entry === null) throw new Error(`entry ${index + 1} must be a map`);
    const { subject, name = '', groups = [], admin = false } = entry as Readonly<Record<string, unknown>>;
    const unknown = Object.keys(entry).find((key) => !SUBJECT_KEYS.has(key));
    if (unknown !== undefined) throw new Error(`entry ${index + 1} has the unknown key ${unknown}`);
    if (typeof subject !== 'string' || subject === '') throw new Error(`entry ${index + 1} needs a subject`);
    if (typeof name !== 'string') throw new Error(`${subject}: name must be text`);
    if (typeof admin !== 'boolean') throw new Error(`${subject}: admin must be true or false`);
    if (!Array.isArray(groups) || groups.some((group) => typeof group !== 'string')) {
      throw new Error(`${subject}: groups must be a list of names`);
    }
  }
}

// A path of names, as `realm_access.roles`: Cadence takes JMESPath, of which this is the part that people use.
function claimPath(value: unknown): void {
  if (typeof value !== 'string' || !/^([\w:/-]+(\.[\w:/-]+)*)?$/.test(value)) {
    throw new Error('must be names joined by dots, as realm_access.roles');
  }
}

export const authorizationSchema = {
  oauthAuthorizer: {
    enable: {
      doc: 'Every call needs a JWT (or, with certificates, a client certificate) that is allowed to make it.',
      format: Boolean,
      default: false,
      env: 'ANTIPHON_AUTH_ENABLE',
    },
    maxJwtTTL: {
      doc: 'Longest time, in seconds, that a token may still have to live.',
      format: 'nat',
      default: 86_400,
      env: 'ANTIPHON_AUTH_MAX_JWT_TTL',
    },
    jwtCredentials: {
      algorithm: { doc: 'Of tokens signed with our own key.', format: ['RS256', 'ES256'], default: 'RS256' },
      publicKey: {
        doc: 'PEM file of the key that verifies tokens without a key id, and those of issuer internal-jwt. Read again when it changes.',
        format: String,
        default: '',
        env: 'ANTIPHON_AUTH_PUBLIC_KEY',
      },
    },
    provider: {
      jwksURL: {
        doc: 'Key set of an identity provider, for tokens with a key id. Fetched when a key is not known, and every ten minutes.',
        format: String,
        default: '',
        env: 'ANTIPHON_AUTH_JWKS_URL',
      },
      jwksFile: {
        doc: 'The same from a file. Read again when it changes.',
        format: String,
        default: '',
        env: 'ANTIPHON_AUTH_JWKS_FILE',
      },
      groupsAttributePath: {
        doc: "Where a provider's token has the groups; empty: groups or Groups.",
        format: claimPath,
        default: '',
      },
      adminAttributePath: {
        doc: "Where a provider's token says that its bearer is an admin; empty: admin or Admin.",
        format: claimPath,
        default: '',
      },
    },
    issuer: { doc: 'Required `iss` of tokens with a key id; empty: any.', format: String, default: '' },
    audience: { doc: 'Required `aud` of tokens with a key id; empty: any.', format: String, default: '' },
  },
  certificates: {
    doc: 'Whom client certificates stand for: { subject, name, groups, admin }. Needs frontend.tls.requireClientAuth.',
    format: identities,
    default: [] as CertificateIdentity[],
  },
} as const;

/** What is wrong; undefined: nothing. */
export function faultOfAuthorization(config: AuthorizationConfig, requiresClientAuth: boolean): string | undefined {
  const { oauthAuthorizer: oauth, certificates } = config;
  if (certificates.length > 0 && !requiresClientAuth) {
    return 'authorization.certificates needs frontend.tls.requireClientAuth: true';
  }
  if (!oauth.enable) return certificates.length > 0 ? 'certificates needs oauthAuthorizer.enable: true' : undefined;
  if (oauth.maxJwtTTL === 0) return 'oauthAuthorizer.maxJwtTTL must be more than 0';
  const { jwksURL, jwksFile } = oauth.provider;
  if (jwksURL !== '' && jwksFile !== '') return 'oauthAuthorizer.provider has both a jwksURL and a jwksFile';
  if (jwksURL !== '' && !isSafeUrl(jwksURL)) {
    return 'oauthAuthorizer.provider.jwksURL must be https://… (http only to a loopback address)';
  }
  if (oauth.jwtCredentials.publicKey === '' && jwksURL === '' && jwksFile === '' && certificates.length === 0) {
    return 'oauthAuthorizer.enable needs jwtCredentials.publicKey, provider.jwksFile, provider.jwksURL or certificates';
  }
  return undefined;
}

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname));
}
