// The `antiphon` command. Commands are one file each; what they need of the server is loaded when they run it.

// The gRPC library's own lines are no log records; what matters comes back as errors. It reads this when it is loaded.
process.env.GRPC_VERBOSITY ??= 'NONE';
const { runCli } = await import('./run.ts');

process.exitCode = await runCli(process.argv);
// A server that failed half-way through its start may keep listeners open: the process ends nevertheless.
if (process.exitCode !== 0) setTimeout(() => process.exit(), 1000).unref();
