import type { NewEvent } from '../domain/event.ts';

const COUNT = 300;
/** Samples lie in the two weeks before the first start. */
const SPAN_MS = 14 * 86_400_000;

const MODELS = [
  'mistral-small-latest',
  'mistral-small-latest',
  'mistral-medium-2508',
  'mistral-medium-2508',
  'mistral-large-latest',
  'magistral-medium-latest',
];

const SYSTEMS = [
  'You are the support assistant of Northlight, a maker of weather stations. Be brief and kind.',
  'You help developers with the Northlight API. Answer with code where it helps.',
  'You answer questions about the weather from data, and say where the data ends.',
  null,
];

interface Topic {
  topic: string;
  tool: string | null;
  questions: readonly string[];
  answers: readonly string[];
}

const TOPICS: readonly Topic[] = [
  {
    topic: 'account',
    tool: null,
    questions: [
      'I forgot my password and the reset mail never arrives.',
      'How do I change the password of a shared account?',
      'Mon mot de passe ne marche plus depuis hier, que faire ?',
    ],
    answers: [
      'Please look into the spam folder first; the link in the mail is valid for one hour.',
      'An owner can set a new password under Settings, Members. Everyone is signed out then.',
    ],
  },
  {
    topic: 'orders',
    tool: 'lookup_order',
    questions: [
      'Where is my order? It should have been here on Monday.',
      'Can I still change the delivery address of my order?',
      'Wo bleibt meine Bestellung? Sie ist seit einer Woche überfällig.',
    ],
    answers: [
      'Your parcel left our warehouse yesterday and is due tomorrow before noon.',
      'The address can be changed until the parcel is handed over, and yours is not yet.',
    ],
  },
  {
    topic: 'weather',
    tool: 'get_weather',
    questions: [
      'Will it rain in Lyon this afternoon?',
      'How strong was the wind at the Brest station last night?',
      'What was the lowest temperature in Kraków this week?',
    ],
    answers: [
      'Light rain is likely between three and five, about two millimetres in all.',
      'The strongest gust was 74 km/h, shortly after two in the morning.',
    ],
  },
  {
    topic: 'api',
    tool: null,
    questions: [
      'My requests get a 429 although I send only ten a minute.',
      'How do I page through all readings of a station?',
      'Which header carries the API key?',
    ],
    answers: [
      'The limit counts all keys of a workspace together; the answer’s headers show what is left.',
      'Send the `next` cursor of each answer back as `cursor` until it is null.',
    ],
  },
  {
    topic: 'billing',
    tool: 'lookup_invoice',
    questions: [
      'Why was I charged twice this month?',
      'Can you send the invoice with our VAT number on it?',
      'I want a refund for the unused months.',
    ],
    answers: [
      'The second charge is for the extra station that was added on the third.',
      'I have added your VAT number; the corrected invoice is in your account.',
    ],
  },
  {
    topic: 'devices',
    tool: null,
    questions: [
      'The outdoor sensor shows 85 % humidity even on a dry day.',
      'Pairing over Wi-Fi stops at 40 %. What now?',
      '屋外センサーの電池はどれくらい持ちますか？',
    ],
    answers: [
      'Please put the sensor beside a second one for an hour and calibrate the offset in the app.',
      'The station needs a 2.4 GHz network; many routers offer it as a guest network.',
    ],
  },
  {
    topic: 'research',
    tool: 'web_search',
    questions: [
      'Find recent papers on hail forecasting with radar.',
      'What changed in the EU rules on radio equipment this year?',
    ],
    answers: [
      'Three papers fit; the newest compares dual-polarisation radar with satellite data.',
      'From August on, devices with radio need protection against misuse of personal data.',
    ],
  },
];

/**
 * Sample events for the first start, so that a search shows something: the same chats each time, spread over the two
 * weeks before `now` (milliseconds since the epoch).
 */
export function sampleEvents(now: number): NewEvent[] {
  const random = randomFrom(42);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  return Array.from({ length: COUNT }, (_, index) => {
    const { topic, tool, questions, answers } = pick(TOPICS);
    const system = pick(SYSTEMS);
    const question = pick(questions);
    const answer = pick(answers);
    const isCalled = tool !== null && random() < 0.6;
    const request = [
      ...(system === null ? [] : [{ role: 'system', content: system }]),
      { role: 'user', content: question },
    ];
    const call = { id: 'call00001', type: 'function', function: { name: tool, arguments: '{}' } };
    const response = [
      { role: 'assistant', content: answer, ...(isCalled && { tool_calls: [call] }) },
    ];
    const words = (text: string) => Math.ceil(text.length / 4);
    return {
      eventId: crypto.randomUUID(),
      correlationId: crypto.randomUUID(),
      completionId: crypto.randomUUID().replaceAll('-', ''),
      createdAt: Math.round(now - SPAN_MS * ((COUNT - index) / COUNT)),
      modelName: pick(MODELS),
      inputTokens: words((system ?? '') + question),
      outputTokens: words(answer),
      totalTimeElapsed: Math.round((0.3 + random() ** 4 * 11) * 1000) / 1000,
      lastUserMessage: question,
      responseText: answer,
      firstSystemMessage: system,
      apiAgentId: null,
      invokedTools: isCalled && tool !== null ? [tool] : [],
      metadata: JSON.stringify({ sample: 'true', topic }),
      streamed: random() < 0.5,
      nbMessages: request.length + response.length,
      requestMessages: JSON.stringify(request),
      responseMessages: JSON.stringify(response),
      enabledTools:
        tool === null ? '[]' : JSON.stringify([{ type: 'function', function: { name: tool } }]),
      isSample: true,
    };
  });
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
