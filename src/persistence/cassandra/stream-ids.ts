// Stream id 0 stays out of use. A request that aged in Cassandra's queue for longer than `native_transport_timeout` (it stood still, or is overloaded) is
// answered with an error on stream 0, whatever its own stream is (CASSANDRA-21508; seen on 5.0.6). To the driver that is the answer of the request that
// uses id 0, and the end of its use: a write under way is called refused, the next request with the id is given the rows that the one before it asked
// for, and so on for as long as the connection lives. Nobody uses the id here, so such an error is nobody's answer, and the request that it is about
// times out. Only what opens a connection goes out with it: Cassandra has nothing else of that connection in its queue then. The driver offers no door for
// this: methods are replaced, and its version is pinned.
import { createRequire } from 'node:module';
import { assert } from '#base';

interface Connection {
  /** Open, and past its first requests. */
  readonly connected: boolean;
  readonly _operations: ReadonlyMap<number, unknown>;
  readonly _streamIds: { inUse: number };
}

interface StreamIds {
  _getStreamId(this: Connection): number | null;
  freeStreamId(this: Connection, header: { readonly streamId: number }): void;
}

const STRAY = 0;

/** For all connections of the process. */
function keepStreamZeroFree(): void {
  const { prototype } = createRequire(import.meta.url)('cassandra-driver/lib/connection.js') as {
    prototype: StreamIds;
  };
  const { _getStreamId: take, freeStreamId: free } = prototype;
  const isKnown = typeof take === 'function' && typeof free === 'function';
  assert(isKnown, 'cassandra-driver has other connections: this is not the version that is pinned');
  prototype._getStreamId = function () {
    const id = take.call(this);
    if (id !== STRAY || !this.connected) return id;
    // It stays taken, and is not counted: a connection at rest has none in use.
    this._streamIds.inUse--;
    return take.call(this);
  };
  prototype.freeStreamId = function (header) {
    if (header.streamId !== STRAY || this._operations.has(STRAY)) free.call(this, header);
  };
}

keepStreamZeroFree();
