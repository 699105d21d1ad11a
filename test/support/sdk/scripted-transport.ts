// The service as a script: what each method answers. Methods without a script hang when they are polls, as a service without
// tasks does, and fail otherwise. Every call is kept for the test to look at.
import { type CallLimits, RpcError, type Transport, type UnaryMethod } from '../../../sdk/transport/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: a script answers any method; the messages are typed where they are asserted.
type Message = any;
export type Script = Readonly<Record<string, (request: Message, limits: CallLimits) => Message>>;

export interface ScriptedTransport extends Transport {
  readonly calls: { readonly method: string; readonly request: Message }[];
  requestsTo(method: string): Message[];
}

export function createScriptedTransport(script: Script): ScriptedTransport {
  const calls: { method: string; request: Message }[] = [];
  const hang = (signal: AbortSignal | undefined): Promise<never> =>
    new Promise((_, reject) => {
      const stop = () => reject(new RpcError('Cancelled', 'stopped', 1));
      if (signal?.aborted) stop();
      signal?.addEventListener('abort', stop, { once: true });
    });
  return {
    calls,
    requestsTo: (method) => calls.filter((call) => call.method === method).map((call) => call.request),
    call: async <Req, Res>(method: UnaryMethod<Req, Res>, request: Req, limits: CallLimits): Promise<Res> => {
      const name = method.path.slice(method.path.lastIndexOf('/') + 1);
      // As on the wire: what was not set is absent, and nothing is shared.
      const received = method.requestDeserialize(method.requestSerialize(request));
      calls.push({ method: name, request: received });
      const answer = script[name];
      if (answer) return (await answer(received, limits)) as Res;
      if (name.startsWith('Poll')) return hang(limits.signal);
      throw new RpcError('Unimplemented', `${name} has no script`, 12);
    },
    close: () => undefined,
  };
}
