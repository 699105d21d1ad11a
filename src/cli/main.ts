// The `antiphon` command. Commands are one file each; what they need of the server is loaded when they run it.
import { runCli } from './run.ts';

process.exitCode = await runCli(process.argv);
// A server that failed half-way through its start may keep listeners open: the process ends nevertheless.
if (process.exitCode !== 0) setTimeout(() => process.exit(), 1000).unref();
