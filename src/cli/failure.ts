// What goes wrong in a command: a sentence for the person, a hint where there is one, and an exit code for the script.
import { ServiceError } from '#base';

/** 0 success; the others are part of the CLI's contract (docs/guide/cli.md). */
export const EXIT = { failed: 1, usage: 2, notFound: 3, unavailable: 4, refused: 5 } as const;

export class CliError extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(message: string, options: { exitCode?: number; hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'CliError';
    this.exitCode = options.exitCode ?? EXIT.failed;
    this.hint = options.hint;
  }
}

export const usageError = (message: string, hint?: string): CliError =>
  new CliError(message, { exitCode: EXIT.usage, ...(hint === undefined ? {} : { hint }) });

const REFUSALS: ReadonlySet<string> = new Set([
  'BadRequest',
  'QueryFailed',
  'WorkflowExecutionAlreadyCompleted',
  'WorkflowExecutionAlreadyStarted',
  'DomainAlreadyExists',
  'CancellationAlreadyRequested',
  'AccessDenied',
  'LimitExceeded',
  'FeatureNotEnabled',
  'DomainNotActive',
  'ClientVersionNotSupported',
  'Unimplemented',
]);

const RETENTION_TEXTS: ReadonlySet<string> = new Set([
  'RetentionDays is invalid.',
  'A valid retention period is not set on request.',
]);

// How a server that answers says that something behind it does not; gRPC's own texts about a server that does not answer never do.
const FROM_A_SERVER = /\bplease retry\b/;

/** A server's answer as a failure of the command. */
export function failureOf(error: ServiceError, address: string): CliError {
  const { kind, message } = error;
  if (kind === 'Unavailable') {
    // grpc-js closes its text with a note on name resolution, mostly empty.
    const reason = message
      .replace(/^No connection established\. Last error: (Error: )?/, '')
      .replace(/\. Resolution note:.*$/s, '');
    if (/certificate|altnames/i.test(reason)) {
      return new CliError(`Cannot trust the server at ${address}: ${reason}`, {
        exitCode: EXIT.unavailable,
        hint: 'Who signed its certificate: --tls-ca FILE. The name in it: --tls-server-name NAME.',
        cause: error,
      });
    }
    // How gRPC ends on a peer that closes the connection at its first bytes, as one of TLS or of HTTP/1 does.
    if (/^(Protocol error|Failed to connect)/.test(reason)) {
      return new CliError(`What answers at ${address} does not speak gRPC, or only over TLS.`, {
        exitCode: EXIT.unavailable,
        hint: 'The gRPC port is 7833 unless you chose another; HTTP and metrics have ports of their own. For TLS: --tls-ca FILE.',
        cause: error,
      });
    }
    if (FROM_A_SERVER.test(reason)) {
      return new CliError(`The server at ${address} cannot do this now: ${reason}`, {
        exitCode: EXIT.unavailable,
        cause: error,
      });
    }
    return new CliError(`Cannot reach a server at ${address}: ${reason}`, {
      exitCode: EXIT.unavailable,
      hint: 'Is it running? Start one with: antiphon dev. Another address: --address host:port or ANTIPHON_ADDRESS.',
      cause: error,
    });
  }
  if (kind === 'DeadlineExceeded') {
    return new CliError(`${address} did not answer in time: ${message.split(',')[0]}`, {
      exitCode: EXIT.unavailable,
      hint: 'To wait longer: --context-timeout SECONDS. A query needs a worker: antiphon tasklist describe shows who polls.',
      cause: error,
    });
  }
  if (kind === 'AccessDenied') {
    return new CliError(message, {
      exitCode: EXIT.refused,
      hint: "Say who you are with --jwt or --jwt-private-key. If you did: the server's log has the reason.",
      cause: error,
    });
  }
  if (kind === 'EntityNotExists') {
    return new CliError(message, {
      exitCode: EXIT.notFound,
      ...(/^Domain /.test(message)
        ? { hint: 'Domains of this server: antiphon domain list. Make one: antiphon domain register NAME.' }
        : {}),
      cause: error,
    });
  }
  if (RETENTION_TEXTS.has(message)) {
    return new CliError(message, {
      exitCode: EXIT.refused,
      hint:
        'A server takes a retention of 1 to 30 days, unless its configuration says otherwise: ' +
        'domains.retentionSecondsMin and domains.retentionDaysMax.',
      cause: error,
    });
  }
  return new CliError(message, { exitCode: REFUSALS.has(kind) ? EXIT.refused : EXIT.failed, cause: error });
}

const TRANSIENT: ReadonlySet<string> = new Set(['Unavailable', 'ServiceBusy', 'DeadlineExceeded']);

/** The same call may succeed later. */
export const isTransient = (error: unknown): error is ServiceError =>
  error instanceof ServiceError && TRANSIENT.has(error.kind);

export const isServiceError = (error: unknown): error is ServiceError => error instanceof ServiceError;
