import * as z from 'zod';

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
    type: z.literal('reference').optional(),
    reference_ids: z.array(z.union([z.string(), z.int()])),
  });
  const toolReferenceChunk = z.strictObject({
    type: z.literal('tool_reference').optional(),
    tool: z.string(),
    title: z.string(),
    url: z.string().nullish(),
    favicon: z.string().nullish(),
    description: z.string().nullish(),
  });
  const thinkChunk = z.strictObject({
    type: z.literal('thinking'),
    thinking: z.array(
      z.union([textChunk.partial({ type: true }), referenceChunk, toolReferenceChunk]),
    ),
    signature: z.string().nullish(),
    closed: z.boolean().optional(),
  });
  const imageUrl = z.union([
    z.string(),
    z.strictObject({ url: z.string(), detail: z.enum(['low', 'auto', 'high']).nullish() }),
  ]);
  const contentChunk = z.discriminatedUnion('type', [
    textChunk,
    thinkChunk,
    z.strictObject({ type: z.literal('image_url'), image_url: imageUrl }),
    z.strictObject({
      type: z.literal('document_url'),
      document_url: z.string(),
      document_name: z.string().nullish(),
    }),
    referenceChunk.extend({ type: z.literal('reference') }),
    z.strictObject({ type: z.literal('file'), file_id: z.guid() }),
    z.strictObject({ type: z.literal('input_audio'), input_audio: z.string() }),
  ]);

  const content = z.union([z.string(), z.array(contentChunk)]);

  const toolCall = z.strictObject({
    id: z.string().optional(),
    type: z.literal('function').optional(),
    function: z.strictObject({
      name: z.string(),
      arguments: z.union([z.string(), z.record(z.string(), z.unknown())]),
    }),
    index: z.int().optional(),
  });

  const message = z.discriminatedUnion('role', [
    z.strictObject({
      role: z.literal('system'),
      content: z.union([z.string(), z.array(z.union([textChunk, thinkChunk]))]),
    }),
    z.strictObject({ role: z.literal('user'), content: content.nullable() }),
    z.strictObject({
      role: z.literal('assistant'),
      content: content.nullish(),
      tool_calls: z.array(toolCall).nullish(),
      prefix: z.boolean().optional(),
    }),
    z.strictObject({
      role: z.literal('tool'),
      content: content.nullable(),
      tool_call_id: z.string().nullish(),
      name: z.string().nullish(),
    }),
  ]);

  const functionTool = z.strictObject({
    type: z.literal('function').optional(),
    function: z.strictObject({
      name: z.string(),
      description: z.string().optional(),
      strict: z.boolean().optional(),
      parameters: z.record(z.string(), z.unknown()),
    }),
  });
  const names = z.array(z.string()).nullish();
  const toolConfiguration = z
    .strictObject({ exclude: names, include: names, requires_confirmation: names })
    .nullish();
  const builtInTool = z.discriminatedUnion('type', [
    z.strictObject({
      type: z.enum(['web_search', 'web_search_premium', 'code_interpreter', 'image_generation']),
      tool_configuration: toolConfiguration,
    }),
    z.strictObject({
      type: z.literal('document_library'),
      library_ids: z.array(z.string()).min(1),
      tool_configuration: toolConfiguration,
    }),
    z.strictObject({
      type: z.literal('connector'),
      connector_id: z.string(),
      authorization: z
        .strictObject({ type: z.enum(['api-key', 'oauth2-token']), value: z.string() })
        .nullish(),
      tool_configuration: toolConfiguration,
    }),
  ]);

  const moderation = z
    .looseObject({
      model_name: z.string().optional(),
      ignore_other_categories: z.boolean().optional(),
      action: z.enum(['none', 'block']).optional(),
    })
    .nullish();
  const guardrail = z.looseObject({
    block_on_error: z.boolean().optional(),
    moderation_llm_v1: moderation,
    moderation_llm_v2: moderation,
  });

  return z.strictObject({
    model: z.string(),
    messages: z.array(message),
    temperature: z.number().min(0).max(1.5).nullish(),
    top_p: z.number().gt(0).max(1).nullish(),
    max_tokens: z.int().min(0).nullish(),
    stream: z.boolean().optional(),
    stop: z.union([z.string(), z.array(z.string())]).nullish(),
    random_seed: z.int().min(0).nullish(),
    metadata: z.record(z.string(), z.unknown()).nullish(),
    response_format: z
      .strictObject({
        type: z.enum(['text', 'json_object', 'json_schema']).optional(),
        json_schema: z
          .strictObject({
            name: z.string(),
            description: z.string().nullish(),
            schema: z.record(z.string(), z.unknown()),
            strict: z.boolean().optional(),
          })
          .nullish(),
      })
      .optional(),
    tools: z.array(z.union([functionTool, builtInTool])).nullish(),
    tool_choice: z
      .union([
        z.enum(['auto', 'none', 'any', 'required']),
        z.strictObject({
          type: z.literal('function').optional(),
          function: z.strictObject({ name: z.string() }),
        }),
      ])
      .optional(),
    presence_penalty: z.number().min(-2).max(2).nullish(),
    frequency_penalty: z.number().min(-2).max(2).nullish(),
    n: z.int().min(1).max(MAX_CHOICES).nullish(),
    prediction: z
      .strictObject({ type: z.literal('content').optional(), content: z.string().optional() })
      .optional(),
    parallel_tool_calls: z.boolean().optional(),
    reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).nullish(),
    prompt_mode: z.literal('reasoning').nullish(),
    guardrails: z.array(guardrail).nullish(),
    prompt_cache_key: z.string().nullish(),
    service_tier: z.enum(['auto', 'standard_only']).nullish(),
    safe_prompt: z.boolean().optional(),
  });
}
