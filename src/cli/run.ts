// Runs one command line to its exit code. What goes wrong is said on stderr, in the terms of who typed it.
import { CommanderError } from 'commander';
import pc from 'picocolors';
import { CliError, EXIT, failureOf, isServiceError } from './failure.ts';
import { createProgram } from './program.ts';
import { normalized } from './spec/command-line.ts';

/** @param argv as process.argv. */
export async function runCli(argv: readonly string[]): Promise<number> {
  try {
    const program = createProgram();
    await program.parseAsync(normalized(program, argv));
    return 0;
  } catch (thrown) {
    const error = isServiceError(thrown) ? failureOf(thrown, '') : thrown;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
    if (error instanceof CliError) {
      process.stderr.write(`${pc.red('error:')} ${error.message}\n`);
      if (error.hint) process.stderr.write(`${pc.dim(error.hint)}\n`);
      return error.exitCode;
    }
    const failure = error as Error;
    // Config errors and the like name what is wrong; anything else is a defect of ours and shows where.
    const text = failure.name === 'Error' || failure.name === 'TypeError' ? failure.stack : failure.message;
    process.stderr.write(`${pc.red('error:')} ${text}\n`);
    return EXIT.failed;
  }
}
