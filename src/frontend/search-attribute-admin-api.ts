// AddSearchAttribute: new attributes that runs can be found by. They hold in this region; another one is told by a call of its own.
// Cadence: service/frontend/admin/handler.go
import { featureNotEnabled } from '#base';
import type { Pipeline, Traits } from './pipeline.ts';
import type { AdminHandlers, FrontendDeps } from './ports.ts';

const ADMIN: Traits = { class: 'none', forward: 'never' };

export function createSearchAttributeAdminApi(
  { addSearchAttributes }: FrontendDeps,
  { serve, byNothing }: Pipeline,
): AdminHandlers {
  return {
    addSearchAttribute: serve('admin', 'addSearchAttribute', ADMIN, byNothing, async (request) => {
      if (addSearchAttributes === undefined) throw featureNotEnabled('adding search attributes');
      await addSearchAttributes(request.searchAttribute, request.securityToken);
      return {};
    }),
  };
}
