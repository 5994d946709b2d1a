import { simpleChatSchema } from '../../../domain/simple-chat.ts';
import { usageQuery } from '../../../domain/usage.ts';
import { json, jsonBody, type Operation } from '../operation.ts';

const USAGE = { requests: 1, prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 };
const MODEL = 'mistral-small-latest';
const TEXT = 'The wind in Brest is westerly.';

export const chatOperations = (): Operation[] => [
  {
    call: 'POST /chat',
    id: 'chat',
    tag: 'chat',
    summary: 'Chat in few words',
    description:
      'Send a `prompt`, or `messages`; any other parameter of Mistral’s chat is passed on. With `stream` the answer is the upstream’s event stream; with `Accept: text/plain` it is the text alone, as it comes.',
    key: 'chat',
    headers: ['windsock-capture'],
    bodies: [
      jsonBody('ChatRequest', simpleChatSchema, {
        prompt: { prompt: 'What is the wind in Brest?' },
        messages: {
          system: 'Answer in one sentence.',
          messages: [{ role: 'user', content: 'What is the wind in Brest?' }],
          max_tokens: 50,
        },
        stream: { prompt: 'What is the wind in Brest?', stream: true },
      }),
    ],
    answers: [
      {
        status: 200,
        description: 'The chat: as JSON, as an event stream that ends with `[DONE]`, or as text.',
        headers: ['windsock-attempts'],
        content: [
          json('Chat', {
            id: 'c0ffee',
            model: MODEL,
            text: TEXT,
            finish_reason: 'stop',
            usage: { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 },
            request_id: 'rQ1y8Yk0m3nB5xZ7',
          }),
          { type: 'text/event-stream', example: 'data: {"id":"c0ffee",…}\n\ndata: [DONE]\n\n' },
          { type: 'text/plain', example: TEXT },
        ],
      },
    ],
    asksUpstream: true,
  },
  {
    call: 'GET /usage',
    id: 'usage',
    tag: 'chat',
    summary: 'What this client used',
    description:
      'Totals, by model and by day, and the latest 100 chats. Rows come a moment after their answer.',
    key: 'any',
    query: {
      schema: usageQuery,
      notes: {
        since: {
          description: 'A date, or a date-time with its zone (ISO 8601); 30 days ago by default.',
          example: '2026-11-01',
        },
      },
    },
    answers: [
      {
        status: 200,
        description: 'The usage.',
        content: [
          json('Usage', {
            since: '2026-11-01T00:00:00.000Z',
            totals: USAGE,
            by_model: [{ model: MODEL, ...USAGE }],
            by_day: [{ day: '2026-11-26', ...USAGE }],
            recent: [
              {
                request_id: 'rQ1y8Yk0m3nB5xZ7',
                model: MODEL,
                stream: false,
                outcome: 'completed',
                prompt_tokens: 9,
                completion_tokens: 12,
                total_tokens: 21,
                ttfb_ms: 180,
                duration_ms: 420,
                bytes: 512,
                started_at: '2026-11-26T12:00:00.000Z',
              },
            ],
          }),
        ],
      },
    ],
  },
];
