// What goes wrong in a command: a sentence for the person, a hint where there is one, and an exit code for the script.
import { type ServiceError as GrpcError, status } from '@grpc/grpc-js';

/** 0 success; the others are part of the CLI's contract (docs/operate/cli.md). */
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

export function failureOf(error: GrpcError, address: string): CliError {
  const message = error.details || error.message;
  switch (error.code) {
    case status.UNAVAILABLE:
      return new CliError(`Cannot reach a server at ${address}: ${message}`, {
        exitCode: EXIT.unavailable,
        hint: 'Is it running? Start one with: antiphon dev. Another address: --address host:port or ANTIPHON_ADDRESS.',
        cause: error,
      });
    case status.DEADLINE_EXCEEDED:
      return new CliError(`${address} did not answer in time: ${message}`, {
        exitCode: EXIT.unavailable,
        cause: error,
      });
    case status.NOT_FOUND:
      return new CliError(message, {
        exitCode: EXIT.notFound,
        ...(/^Domain /.test(message)
          ? { hint: 'Domains of this server: antiphon domain list. Make one: antiphon domain register NAME.' }
          : {}),
        cause: error,
      });
    case status.FAILED_PRECONDITION:
    case status.ALREADY_EXISTS:
    case status.PERMISSION_DENIED:
    case status.INVALID_ARGUMENT:
      return new CliError(message, { exitCode: EXIT.refused, cause: error });
    default:
      return new CliError(`${message} (${status[error.code] ?? error.code})`, { cause: error });
  }
}
