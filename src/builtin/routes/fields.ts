import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import {
  FIELD_GROUPS,
  FILTER_OPERATORS,
  operatorsOf,
  type EventField,
} from '../../domain/filter-fields.ts';
import { workspaceOf, type BuiltinEnv } from '../context.ts';
import { observabilityInvalid, searchRefused } from '../errors.ts';
import { anyObject, filtersText, readBody, readQuery } from '../validate.ts';

const optionsQuery = z.lazy(() => z.object({ operator: z.enum(FILTER_OPERATORS) }));
const countsRequest = z.lazy(() =>
  z.object({ filter_params: z.nullish(z.object({ filters: z.nullable(anyObject) })) }),
);

/** `/v1/observability/chat-completion-fields`: what events can be searched by. */
export const fieldRoutes = new Hono<BuiltinEnv>()
  .get('/', async (c) => {
    const fields = await workspaceOf(c.env).events.fields();
    return c.json({ field_definitions: fields.map(fieldView), field_groups: FIELD_GROUPS });
  })
  .get('/:field_name/options', async (c) => {
    const { operator } = readQuery(c, optionsQuery, observabilityInvalid);
    const found = await workspaceOf(c.env).events.options(c.req.param('field_name'), operator);
    if (!found.ok) throw searchRefused(found);
    return c.json({ options: found.value });
  })
  .post('/:field_name/options-counts', async (c) => {
    const { filter_params } = await readBody(c, countsRequest, observabilityInvalid);
    const filters = filtersText(filter_params?.filters ?? null);
    const found = await workspaceOf(c.env).events.optionCounts(c.req.param('field_name'), filters);
    if (!found.ok) throw searchRefused(found);
    return c.json({ counts: found.value });
  });

/** `BaseFieldDefinition`. */
function fieldView({ name, label, type, group }: EventField) {
  return { name, label, type, group, supported_operators: operatorsOf(type) };
}
