import { Hono } from 'hono/tiny';
import { mistralError } from '../../mistral/errors.ts';
import type { BuiltinEnv } from '../context.ts';
import { BuiltinError } from '../errors.ts';

const MODEL_IDS = ['mistral-small-latest', 'mistral-medium-latest', 'mistral-large-latest'];

const cards = MODEL_IDS.map((id) => ({
  id,
  object: 'model',
  created: 1_735_689_600,
  owned_by: 'mistralai',
  capabilities: {
    completion_chat: true,
    function_calling: true,
    reasoning: false,
    completion_fim: false,
    fine_tuning: false,
    vision: false,
    ocr: false,
    classification: false,
    moderation: false,
    audio: false,
    audio_transcription: false,
    audio_transcription_realtime: false,
    audio_speech: false,
    unified_resources: false,
  },
  name: id,
  description: 'Answered by the offline model of Windsock',
  max_context_length: 131_072,
  aliases: [],
  deprecation: null,
  deprecation_replacement_model: null,
  default_model_temperature: null,
  internal: false,
  type: 'base',
}));

/** `/v1/models`: the names that examples use. The offline model answers under any name. */
export const modelRoutes = new Hono<BuiltinEnv>()
  .get('/', (c) => {
    const { model, provider } = c.req.query();
    const data = cards.filter(
      ({ id, owned_by }) => id === (model ?? id) && owned_by === (provider ?? owned_by),
    );
    return c.json({ object: 'list', data });
  })
  .get('/:model_id', (c) => c.json(cardOf(c.req.param('model_id'))))
  .delete('/:model_id', (c) => {
    const { id } = cardOf(c.req.param('model_id'));
    const message = `Model ${id} is not a fine-tuned model and cannot be deleted.`;
    throw new BuiltinError(400, mistralError(message, 'invalid_request_error'));
  });

function cardOf(id: string) {
  const card = cards.find((one) => one.id === id);
  if (card === undefined) {
    throw new BuiltinError(404, mistralError(`Invalid model: ${id}`, 'invalid_model', '1500'));
  }
  return card;
}
