// The `antiphon` command. Commands are one file each; what they need of the server is loaded when they run it.
import { runCli } from './run.ts';

process.exitCode = await runCli(process.argv);
