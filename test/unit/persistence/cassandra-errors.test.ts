// What the errors of Cassandra and of its driver say of a write: certainly not done, or nobody knows.
import { errors, types } from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { isStoreError, StoreError } from '#base';
import { isTombstoneFailure, readError, writeError } from '../../../src/persistence/cassandra/errors.ts';

const { responseErrorCodes: codes } = types;
const answered = (code: number, message = 'no'): Error => new errors.ResponseError(code, message);
const socketError = (marks: object): Error =>
  Object.assign(new errors.DriverInternalError('Socket was closed'), { isSocketError: true, ...marks });
const noHost = (inner: Record<string, unknown>): Error => new errors.NoHostAvailableError(inner);
const casWriteUnknown = 0x1700;

const WRITES: readonly (readonly [what: string, error: Error, kind: StoreError['kind']])[] = [
  ['a write timeout', answered(codes.writeTimeout), 'Timeout'],
  ['a write failure of a replica', answered(codes.writeFailure), 'Timeout'],
  ['a read timeout inside a conditional write', answered(codes.readTimeout), 'Timeout'],
  ['an unknown outcome of a conditional write', answered(casWriteUnknown), 'Timeout'],
  ['an unexpected error of the server', answered(codes.serverError), 'Timeout'],
  ['silence', new errors.OperationTimedOutError('no answer in time', 'h'), 'Timeout'],
  ['a connection that was lost after it was sent', socketError({}), 'Timeout'],
  ['a driver that is at a loss', new errors.DriverInternalError('?'), 'Timeout'],
  ['silence of the first of two hosts', noHost({ a: new errors.OperationTimedOutError('x'), b: 'DOWN' }), 'Timeout'],
  ['a connection that was lost before it was sent', socketError({ requestNotWritten: true }), 'Unavailable'],
  ['too few replicas', answered(codes.unavailableException), 'Unavailable'],
  ['an overloaded coordinator', answered(codes.overloaded), 'Unavailable'],
  ['a node that starts', answered(codes.isBootstrapping), 'Unavailable'],
  ['a missing permission', answered(codes.unauthorized), 'Unavailable'],
  ['no node to ask', noHost({}), 'Unavailable'],
  ['nodes that are down or busy', noHost({ a: 'DOWN', b: new errors.BusyConnectionError('b', 1, 1) }), 'Unavailable'],
  ['nodes that were never reached', noHost({ a: socketError({ requestNotWritten: true }), b: null }), 'Unavailable'],
  ['a mutation above the limit', answered(codes.invalid, 'Mutation of 17 MB is too large'), 'Full'],
  ['a batch above the limit', answered(codes.invalid, 'Batch too large'), 'Full'],
  ['a frame above the limit', answered(codes.invalid, 'Request is too big: length 17 exceeds 16'), 'Full'],
];

describe('errors of Cassandra', () => {
  it.each(WRITES)('call a write after %s right', (_, error, kind) => {
    const translated = writeError('commit', error);
    expect(translated).toBeInstanceOf(StoreError);
    expect(isStoreError(translated, kind), String(translated)).toBe(true);
    expect((translated as StoreError).message).toMatch(/^commit: /);
    expect((translated as StoreError).cause).toBe(error);
  });

  it('leave a read without an outcome to wonder about', () => {
    for (const [what, error] of WRITES) expect(isStoreError(readError('read', error), 'Unavailable'), what).toBe(true);
  });

  it('are not made of defects of our own', () => {
    const defect = new TypeError('x is not a function');
    expect(writeError('commit', defect)).toBe(defect);
    expect(readError('read', defect)).toBe(defect);
  });

  it('name a read that met too many deleted rows', () => {
    expect(isTombstoneFailure(readError('list', answered(codes.readFailure)))).toBe(true);
    expect(isTombstoneFailure(readError('list', answered(codes.readTimeout)))).toBe(false);
    expect(isTombstoneFailure(new Error('other'))).toBe(false);
  });
});
