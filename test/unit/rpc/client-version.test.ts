import { describe, expect, test } from 'vitest';
import { alreadyCompleted, badRequest } from '#base';
import { checkClientVersion, normalizeVersionedError, parseFeatureFlags } from '#rpc';

const caller = (clientImpl: string, featureVersion: string) => ({ clientImpl, featureVersion, libraryVersion: '' });
const ON = { workflowExecutionAlreadyCompletedErrorEnabled: true, autoforwardingEnabled: false };
const OFF = { ...ON, workflowExecutionAlreadyCompletedErrorEnabled: false };

describe('client versions', () => {
  test.each([
    ['uber-go', '1.7.0', true],
    ['uber-go', '1.7.1', false],
    ['uber-java', '1.5.0', true],
    ['uber-java', '1.6.0', false],
    ['cli', '2.0.0', false],
    ['uber-go', '', true],
    ['antiphon-ts', '9.0.0', true],
    ['__proto__', '9.0.0', true],
  ])('%s %s is supported: %s', (impl, version, supported) => {
    const check = () => checkClientVersion(caller(impl, version));
    if (supported) expect(check).not.toThrow();
    else expect(check).toThrow(`Client version ${version} of ${impl} is not supported`);
  });

  test.each([
    ['uber-go', '1.7.0', ON, 'WorkflowExecutionAlreadyCompleted'],
    ['uber-go', '1.5.0', ON, 'EntityNotExists'],
    ['uber-go', '1.7.0', OFF, 'EntityNotExists'],
    ['uber-java', '1.4.0', ON, 'WorkflowExecutionAlreadyCompleted'],
    ['antiphon-ts', '0.1.0', ON, 'WorkflowExecutionAlreadyCompleted'],
    ['', '', OFF, 'EntityNotExists'],
  ])('for %s %s an AlreadyCompleted error becomes what it can take', (impl, version, flags, kind) => {
    const error = normalizeVersionedError(alreadyCompleted(), caller(impl, version), flags);
    const message =
      kind === 'EntityNotExists' ? 'Workflow execution already completed.' : 'workflow execution already completed';
    expect(error).toMatchObject({ kind, message });
  });

  test('other errors pass unchanged', () => {
    const error = badRequest('x');
    expect(normalizeVersionedError(error, caller('', ''), OFF)).toBe(error);
  });

  test.each([
    ['{"WorkflowExecutionAlreadyCompletedErrorEnabled":true}', ON],
    ['{"workflow_execution_already_completed_error_enabled":true}', ON],
    ['{"workflowExecutionAlreadyCompletedErrorEnabled":"yes"}', OFF],
    ['{', OFF],
    ['null', OFF],
    ['', OFF],
  ])('feature flags %s are read', (text, flags) => {
    expect(parseFeatureFlags(text)).toEqual(flags);
  });
});
