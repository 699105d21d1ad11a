// AddSearchAttribute: new attributes that runs can be found by. They hold in this region; another one is told by a call of its own.
// Cadence: service/frontend/admin/handler.go
import { featureNotEnabled } from '#base';
import { ADMIN_CALL, type Pipeline } from './pipeline.ts';
import type { AdminHandlers, FrontendDeps } from './ports.ts';

export function createSearchAttributeAdminApi(
  { addSearchAttributes }: FrontendDeps,
  { serve, byNothing }: Pipeline,
): AdminHandlers {
  return {
    addSearchAttribute: serve('admin', 'addSearchAttribute', ADMIN_CALL, byNothing, async (request) => {
      if (addSearchAttributes === undefined) throw featureNotEnabled('adding search attributes');
      await addSearchAttributes(request.searchAttribute, request.securityToken);
      return {};
    }),
  };
}
