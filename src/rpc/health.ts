// grpc.health.v1 for probes and load balancers. The empty name is the whole server; each service answers by its own name as well.
import { HealthCheckResponse_ServingStatus, HealthService } from '@antiphon/proto/health';
import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { EntityNotExistsError } from '#base';
import { statusFromError } from './errors.ts';

type Request = { readonly service: string };
type Answer = { readonly status: HealthCheckResponse_ServingStatus };

export interface Health {
  setServing(serving: boolean): void;
}

export function addHealthService(server: Server, serviceNames: ReadonlySet<string>): Health {
  let serving = false;
  const watchers = new Set<ServerWritableStream<Request, Answer>>();
  const knows = (name: string): boolean => name === '' || serviceNames.has(name);
  const current = (): Answer => ({
    status: serving ? HealthCheckResponse_ServingStatus.SERVING : HealthCheckResponse_ServingStatus.NOT_SERVING,
  });
  server.addService(HealthService, {
    check(call: ServerUnaryCall<Request, Answer>, callback: sendUnaryData<Answer>) {
      if (knows(call.request.service)) callback(null, current());
      else callback(statusFromError(new EntityNotExistsError(`unknown service ${call.request.service.slice(0, 200)}`)));
    },
    watch(call: ServerWritableStream<Request, Answer>) {
      if (!knows(call.request.service)) {
        call.write({ status: HealthCheckResponse_ServingStatus.SERVICE_UNKNOWN });
        return;
      }
      call.write(current());
      watchers.add(call);
      call.on('cancelled', () => watchers.delete(call));
    },
  });
  return {
    setServing(value) {
      if (serving === value) return;
      serving = value;
      for (const watcher of watchers) watcher.write(current());
    },
  };
}
