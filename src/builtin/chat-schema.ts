import * as z from 'zod/mini';

// The request of POST /v1/chat/completions as the OpenAPI document has it: closed objects, so that an unknown field
// is a 422 here as it is upstream.

/** The upstream names no bound; each choice is held until it is sent. */
const MAX_CHOICES = 128;

/** A chat request. Lazy, as all schemas here: built when first needed, they leave the start-up time alone. */
export const chatRequestSchema = z.lazy(buildSchema);

export type ChatRequest = z.infer<typeof chatRequestSchema>;

function buildSchema() {
  const textChunk = z.strictObject({ type: z.literal('text'), text: z.string() });
  const referenceChunk = z.strictObject({
    type: z.optional(z.literal('reference')),
    reference_ids: z.array(z.union([z.string(), z.int()])),
  });
  const toolReferenceChunk = z.strictObject({
    type: z.optional(z.literal('tool_reference')),
    tool: z.string(),
    title: z.string(),
    url: z.nullish(z.string()),
    favicon: z.nullish(z.string()),
    description: z.nullish(z.string()),
  });
  const thinkChunk = z.strictObject({
    type: z.literal('thinking'),
    thinking: z.array(
      z.union([z.partial(textChunk, { type: true }), referenceChunk, toolReferenceChunk]),
    ),
    signature: z.nullish(z.string()),
    closed: z.optional(z.boolean()),
  });
  const imageUrl = z.union([
    z.string(),
    z.strictObject({ url: z.string(), detail: z.nullish(z.enum(['low', 'auto', 'high'])) }),
  ]);
  const contentChunk = z.discriminatedUnion('type', [
    textChunk,
    thinkChunk,
    z.strictObject({ type: z.literal('image_url'), image_url: imageUrl }),
    z.strictObject({
      type: z.literal('document_url'),
      document_url: z.string(),
      document_name: z.nullish(z.string()),
    }),
    z.extend(referenceChunk, { type: z.literal('reference') }),
    z.strictObject({ type: z.literal('file'), file_id: z.guid() }),
    z.strictObject({ type: z.literal('input_audio'), input_audio: z.string() }),
  ]);

  const content = z.union([z.string(), z.array(contentChunk)]);

  const toolCall = z.strictObject({
    id: z.optional(z.string()),
    type: z.optional(z.literal('function')),
    function: z.strictObject({
      name: z.string(),
      arguments: z.union([z.string(), z.record(z.string(), z.unknown())]),
    }),
    index: z.optional(z.int()),
  });

  const message = z.discriminatedUnion('role', [
    z.strictObject({
      role: z.literal('system'),
      content: z.union([z.string(), z.array(z.union([textChunk, thinkChunk]))]),
    }),
    z.strictObject({ role: z.literal('user'), content: z.nullable(content) }),
    z.strictObject({
      role: z.literal('assistant'),
      content: z.nullish(content),
      tool_calls: z.nullish(z.array(toolCall)),
      prefix: z.optional(z.boolean()),
    }),
    z.strictObject({
      role: z.literal('tool'),
      content: z.nullable(content),
      tool_call_id: z.nullish(z.string()),
      name: z.nullish(z.string()),
    }),
  ]);

  const functionTool = z.strictObject({
    type: z.optional(z.literal('function')),
    function: z.strictObject({
      name: z.string(),
      description: z.optional(z.string()),
      strict: z.optional(z.boolean()),
      parameters: z.record(z.string(), z.unknown()),
    }),
  });
  const names = z.nullish(z.array(z.string()));
  const toolConfiguration = z.nullish(
    z.strictObject({ exclude: names, include: names, requires_confirmation: names }),
  );
  const builtInTool = z.discriminatedUnion('type', [
    z.strictObject({
      type: z.enum(['web_search', 'web_search_premium', 'code_interpreter', 'image_generation']),
      tool_configuration: toolConfiguration,
    }),
    z.strictObject({
      type: z.literal('document_library'),
      library_ids: z.array(z.string()).check(z.minLength(1)),
      tool_configuration: toolConfiguration,
    }),
    z.strictObject({
      type: z.literal('connector'),
      connector_id: z.string(),
      authorization: z.nullish(
        z.strictObject({ type: z.enum(['api-key', 'oauth2-token']), value: z.string() }),
      ),
      tool_configuration: toolConfiguration,
    }),
  ]);

  const moderation = z.nullish(
    z.looseObject({
      model_name: z.optional(z.string()),
      ignore_other_categories: z.optional(z.boolean()),
      action: z.optional(z.enum(['none', 'block'])),
    }),
  );
  const guardrail = z.looseObject({
    block_on_error: z.optional(z.boolean()),
    moderation_llm_v1: moderation,
    moderation_llm_v2: moderation,
  });

  return z.strictObject({
    model: z.string(),
    messages: z.array(message),
    temperature: z.nullish(z.number().check(z.minimum(0), z.maximum(1.5))),
    top_p: z.nullish(z.number().check(z.gt(0), z.maximum(1))),
    max_tokens: z.nullish(z.int().check(z.minimum(0))),
    stream: z.optional(z.boolean()),
    stop: z.nullish(z.union([z.string(), z.array(z.string())])),
    random_seed: z.nullish(z.int().check(z.minimum(0))),
    metadata: z.nullish(z.record(z.string(), z.unknown())),
    response_format: z.optional(
      z.strictObject({
        type: z.optional(z.enum(['text', 'json_object', 'json_schema'])),
        json_schema: z.nullish(
          z.strictObject({
            name: z.string(),
            description: z.nullish(z.string()),
            schema: z.record(z.string(), z.unknown()),
            strict: z.optional(z.boolean()),
          }),
        ),
      }),
    ),
    tools: z.nullish(z.array(z.union([functionTool, builtInTool]))),
    tool_choice: z.optional(
      z.union([
        z.enum(['auto', 'none', 'any', 'required']),
        z.strictObject({
          type: z.optional(z.literal('function')),
          function: z.strictObject({ name: z.string() }),
        }),
      ]),
    ),
    presence_penalty: z.nullish(z.number().check(z.minimum(-2), z.maximum(2))),
    frequency_penalty: z.nullish(z.number().check(z.minimum(-2), z.maximum(2))),
    n: z.nullish(z.int().check(z.minimum(1), z.maximum(MAX_CHOICES))),
    prediction: z.optional(
      z.strictObject({ type: z.optional(z.literal('content')), content: z.optional(z.string()) }),
    ),
    parallel_tool_calls: z.optional(z.boolean()),
    reasoning_effort: z.nullish(z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh'])),
    prompt_mode: z.nullish(z.literal('reasoning')),
    guardrails: z.nullish(z.array(guardrail)),
    prompt_cache_key: z.nullish(z.string()),
    service_tier: z.nullish(z.enum(['auto', 'standard_only'])),
    safe_prompt: z.optional(z.boolean()),
  });
}
