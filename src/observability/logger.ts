// pino behind the Logger port. Lines go to stderr: stdout belongs to the data of CLI commands.

import { destination, type Logger as PinoLogger, pino } from 'pino';
import type { LogFields, Logger } from '#env';

const REDACTED_FIELDS = ['authorization', 'jwt', 'password', 'secret', 'token', 'accessKey', 'secretKey'];

const wrap = (logger: PinoLogger): Logger => ({
  debug: (message: string, fields: LogFields = {}) => logger.debug(fields, message),
  info: (message: string, fields: LogFields = {}) => logger.info(fields, message),
  warn: (message: string, fields: LogFields = {}) => logger.warn(fields, message),
  error: (message: string, fields: LogFields = {}) => logger.error(fields, message),
  child: (fields: LogFields) => wrap(logger.child(fields)),
});

export function createLogger(options: { level: string; name: string; file?: string }): Logger {
  return wrap(
    pino(
      {
        level: options.level,
        base: { service: options.name },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        redact: { paths: REDACTED_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' },
        serializers: { error: pino.stdSerializers.err, cause: pino.stdSerializers.err },
      },
      destination(
        options.file === undefined ? { dest: 2, sync: false } : { dest: options.file, sync: false, mkdir: true },
      ),
    ),
  );
}
