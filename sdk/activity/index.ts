// @antiphon/sdk/activity: what activity code may use besides everything else in Node.
export { ApplicationFailure, CancelledFailure } from '../common/index.ts';
export {
  type ActivityContext,
  type ActivityInfo,
  activityContext,
  completeLater,
  heartbeat,
} from './activity-context.ts';
