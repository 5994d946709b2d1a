import { documentOf, operationsOf, type Documented } from '../openapi/document.ts';
import { startReceiver } from '../receiver.ts';
import { startWorker } from '../worker.ts';
import { block, curlLine, jsonText } from './markdown.ts';
import { HERE, Placeholders } from './placeholders.ts';
import { CHAPTERS, type Scene } from './scenes.ts';
import { Stage } from './stage.ts';

const HEAD = `# Every call and its answer

Made by \`npm run docs:api\` from the examples of the OpenAPI document (\`/openapi.json\`, to be read at \`/docs\`): each call is made to a Worker with the built-in backend, and its real answer written down, ids, times and durations replaced. \`test/worker/api-doc.test.ts\` fails when this page is out of date.

The calls build on each other. They are pasted into a shell with

\`\`\`sh
URL=${HERE} ADMIN_KEY=… KEY=wsk_… CLIENT=cl_… EVENT=… DATASET=… IMPORT=imp_… SCHEDULE=sch_… HOOK=hook_… SECRET=whsec_…
\`\`\`
`;

/** Answers of these headers are shown. */
const SHOWN = [
  'location',
  'link',
  'idempotency-replayed',
  'windsock-import-id',
  'content-disposition',
];

/** The text of \`docs/api.md\`, and the ids of the operations that it shows. */
export async function apiPage(): Promise<{ text: string; shown: Set<string> }> {
  const receiver = await startReceiver();
  // On a slow machine too an import's first answer is out before its first poll.
  const worker = await startWorker({ POLL_MIN_MS: '500', POLL_MAX_MS: '500' });
  try {
    const operations = new Map(
      operationsOf(await documentOf(worker.url)).map((one) => [one.operationId, one]),
    );
    const placeholders = new Placeholders({
      [worker.url]: HERE,
      [receiver.url]: 'https://example.com/hook',
    });
    const stage = new Stage(worker, receiver.url);
    const parts = [HEAD];
    const shown = new Set<string>();
    for (const { title, scenes } of CHAPTERS) {
      parts.push(`## ${title}\n`);
      for (const scene of scenes) {
        const operation = operations.get(scene.operationId);
        if (operation === undefined) throw new Error(`There is no ${scene.operationId}.`);
        parts.push(await sceneText(stage, operation, scene, placeholders));
        shown.add(scene.operationId);
      }
    }
    return { text: parts.join('\n'), shown };
  } finally {
    await worker.dispose();
    receiver.close();
  }
}

async function sceneText(
  stage: Stage,
  operation: Documented,
  scene: Scene,
  placeholders: Placeholders,
): Promise<string> {
  const { curl, response, text } = await stage.play(operation, scene);
  const status = `${response.status} ${response.statusText}`;
  const headers = SHOWN.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [`${name}: ${value}`];
  });
  const body = scene.isLong ? '…' : bodyText(response, text, placeholders);
  const title = operation.call.replace(' ', ' `').concat('`');
  return [
    `### ${title}\n`,
    `${scene.note ?? `${operation.summary}.`}\n`,
    `${block('sh', placeholders.text(curlLine(curl)))}\n`,
    `${block('', placeholders.text([status, ...headers, ...(body === '' ? [] : ['', body])].join('\n')))}\n`,
  ].join('\n');
}

function bodyText(response: Response, text: string, placeholders: Placeholders): string {
  const [type] = (response.headers.get('content-type') ?? '').split(';');
  if (type === 'application/json') return jsonText(placeholders.value(JSON.parse(text)));
  return type === 'text/event-stream' ? shortened(text, placeholders) : text;
}

/** The first and the last events of a stream. */
function shortened(stream: string, placeholders: Placeholders): string {
  const events = stream.trimEnd().split('\n\n');
  const some = events.length < 6 ? events : [...events.slice(0, 2), '…', ...events.slice(-2)];
  const withJson = (event: string) =>
    event.replace(/(?<=^data: )\{.*\}$/m, (data) =>
      JSON.stringify(placeholders.value(JSON.parse(data))),
    );
  return some.map(withJson).join('\n\n');
}
