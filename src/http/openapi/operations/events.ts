import { strictJudgeDefinition } from '../../../domain/judge.ts';
import { eventIdsBody, eventSearchBody } from '../../routes/events.ts';
import { EVENT_ID, PREVIEW_EXAMPLE } from '../examples.ts';
import { json, jsonBody, type Operation } from '../operation.ts';

const WHERE = 'model_name = "mistral-small-latest" AND timestamp > "now-7d"';

export const eventOperations = (): Operation[] => [
  {
    call: 'POST /events/search',
    id: 'searchEvents',
    tag: 'events',
    summary: 'Search events',
    description:
      'A page of matching events, the newest first. `fields` asks for further fields; send `next_cursor` back as `cursor` for the next page.',
    key: 'observability:read',
    bodies: [
      jsonBody('EventSearch', eventSearchBody, {
        text: { where: WHERE, limit: 1, fields: ['model_name'] },
        tree: { where: { field: 'model_name', op: 'contains', value: 'small' }, limit: 1 },
        everything: { limit: 1 },
      }),
    ],
    answers: [
      {
        status: 200,
        description: 'The events; `next_cursor` is null after the last.',
        content: [json('EventPage', { events: [PREVIEW_EXAMPLE], next_cursor: null })],
      },
    ],
    refusals: ['invalid_filter'],
    asksUpstream: true,
  },
  {
    call: 'POST /events/ids',
    id: 'searchEventIds',
    tag: 'events',
    summary: 'Ids of all matching events',
    description: 'As a search, but the ids alone and all of them.',
    key: 'observability:read',
    bodies: [jsonBody('EventIdsSearch', eventIdsBody, { text: { where: WHERE } })],
    answers: [
      {
        status: 200,
        description: 'The ids.',
        content: [json('EventIds', { ids: [EVENT_ID], count: 1 })],
      },
    ],
    refusals: ['invalid_filter'],
    asksUpstream: true,
  },
  {
    call: 'GET /events/{event_id}',
    id: 'getEvent',
    tag: 'events',
    summary: 'An event',
    description: 'The whole event, with its messages.',
    key: 'observability:read',
    answers: [
      {
        status: 200,
        description: 'The event.',
        content: [
          json('Event', {
            ...PREVIEW_EXAMPLE,
            nb_messages: 2,
            enabled_tools: [],
            request_messages: [{ role: 'user', content: 'What is the wind in Brest?' }],
            response_messages: [{ role: 'assistant', content: 'It is westerly.' }],
          }),
        ],
      },
    ],
    asksUpstream: true,
  },
  {
    call: 'GET /events/{event_id}/similar',
    id: 'similarEvents',
    tag: 'events',
    summary: 'Similar events',
    description: 'Events like this one, the most similar first.',
    key: 'observability:read',
    answers: [
      {
        status: 200,
        description: 'The events.',
        content: [json('SimilarEvents', { events: [PREVIEW_EXAMPLE] })],
      },
    ],
    asksUpstream: true,
  },
  {
    call: 'POST /events/{event_id}/judge',
    id: 'judgeEvent',
    tag: 'events',
    summary: 'Judge an event',
    description:
      'Has a model judge the event by a definition that is not kept. `output.type` may be left out where `options` or `min` and `max` tell it.',
    key: 'observability:read',
    bodies: [
      jsonBody('JudgeDefinition', strictJudgeDefinition, {
        classification: {
          name: 'politeness',
          description: 'Is the answer polite?',
          model_name: 'mistral-small-latest',
          output: {
            options: [
              { value: 'yes', description: 'It is polite.' },
              { value: 'no', description: 'It is not.' },
            ],
          },
          instructions: 'Say whether the answer is polite.',
          tools: [],
        },
        regression: {
          name: 'completeness',
          description: 'How complete is the answer?',
          model_name: 'mistral-small-latest',
          output: { min: 0, min_description: 'nothing', max: 5, max_description: 'everything' },
          instructions: 'Say how complete the answer is.',
          tools: [],
        },
      }),
    ],
    answers: [
      {
        status: 200,
        description: 'The judgement.',
        content: [json('Judgement', { answer: 'yes', analysis: 'The answer greets and thanks.' })],
      },
    ],
    asksUpstream: true,
  },
];
