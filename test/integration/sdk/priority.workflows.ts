// Workflows for the test of priorities: one with an activity, a child and a continued run of their own or inherited place.
import { continueAsNew, executeChild, proxyActivities } from '@antiphon/sdk/workflow';

interface Activities {
  echo(value: string): Promise<string>;
}
const usual = proxyActivities<Activities>({ startToCloseTimeout: '10s' });
const urgent = proxyActivities<Activities>({ startToCloseTimeout: '10s', priority: 1, fairnessKey: 'alarms' });

export async function placedChild(): Promise<string> {
  return usual.echo('child');
}

export async function placedParent(isFirst: boolean): Promise<string> {
  if (isFirst) {
    await usual.echo('usual');
    await urgent.echo('urgent');
    await executeChild(placedChild, { workflowId: 'inheriting-child' });
    await executeChild(placedChild, { workflowId: 'own-child', priority: 5 });
    return continueAsNew<typeof placedParent>(false);
  }
  return 'done';
}
