// Stands where Mistral would be, in a process of its own: the `model` of a request says what to answer, as `answerTo`
// of bench/client.ts wrote it. Tells its parent when a connection is closed before its answer has ended.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { clockMs, type FromUpstream } from './client.ts';

const chunkOf = (content: string, rest: object = {}) => ({
  id: 'cmpl-5c0f1d9b7e3a4f62',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'mistral-small-latest',
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
  ...rest,
});
/** 218 bytes, about as long as those of Mistral are. */
const EVENT = Buffer.from(`data: ${JSON.stringify(chunkOf(' of the wind over the field'))}\n\n`);
const LAST = Buffer.from(
  `data: ${JSON.stringify({
    ...chunkOf(''),
    choices: [{ index: 0, delta: { content: '' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 20, completion_tokens: 200, total_tokens: 220 },
  })}\n\ndata: [DONE]\n\n`,
);
const ANSWER = Buffer.from(
  JSON.stringify({
    id: 'cmpl-5c0f1d9b7e3a4f62',
    object: 'chat.completion',
    created: 1_790_000_000,
    model: 'mistral-small-latest',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'It blows from the west. '.repeat(20) },
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 20, completion_tokens: 100, total_tokens: 120 },
  }),
);

function stream(response: ServerResponse, events: number, gapMs: number): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let left = events - 1;
  if (gapMs === 0) {
    for (; left > 0; left--) response.write(EVENT);
    response.end(LAST);
    return;
  }
  response.write(EVENT);
  left--;
  const timer = setInterval(() => {
    if (left-- > 0) {
      response.write(EVENT);
    } else {
      clearInterval(timer);
      response.end(LAST);
    }
  }, gapMs);
  response.on('close', () => clearInterval(timer));
}

function tellParent(message: FromUpstream): void {
  process.send?.(message);
}

const http = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const { model } = JSON.parse(Buffer.concat(parts).toString()) as { model: string };
    const [kind, events, gapMs, id] = model.split(':');
    if (kind === 'stream') {
      response.on('close', () => {
        if (!response.writableFinished) tellParent({ closed: id ?? '', at: clockMs() });
      });
      stream(response, Number(events), Number(gapMs));
    } else {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': ANSWER.length,
      });
      response.end(ANSWER);
    }
  });
});
http.listen(0, '127.0.0.1', () => {
  tellParent({ port: (http.address() as AddressInfo).port });
});
process.on('disconnect', () => process.exit());
