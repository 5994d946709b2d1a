import { Hono } from 'hono/tiny';
import { workspaceOf } from '../../builtin/context.ts';
import { contentOf, openLink } from '../../builtin/downloads.ts';
import { prefersJson } from '../../domain/accept.ts';
import { attachment } from '../../domain/content-disposition.ts';
import { Refusal } from '../../domain/failures.ts';
import { redact } from '../../domain/redact.ts';
import { readText } from '../../mistral/read-text.ts';
import { openUrl } from '../../mistral/upstream.ts';
import { abortWith } from '../../platform/abort.ts';
import { relayBytes } from '../../relay/bytes.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { datasetIdOf } from '../import-request.ts';
import { clientWith } from '../middleware/auth.ts';
import { observabilityOf } from '../observability.ts';

const JSONL = 'application/x-ndjson';

/**
 * `GET /datasets/:dataset_id/export`: a dataset's records as JSONL, or, to a client that prefers JSON, the link to them.
 */
export const datasetExportRoutes = new Hono<AppEnv>().get(
  '/:dataset_id/export',
  clientWith('observability:read'),
  async (c) => {
    const id = datasetIdOf(c);
    const client = observabilityOf(c);
    c.header('vary', 'Accept', { append: true });
    // No export is made for a HEAD: a file that nobody reads would wait for its reader.
    const isHead = c.req.method === 'HEAD';
    const wantsLink = prefersJson(c.req.header('accept') ?? '', JSONL);
    if (wantsLink && !isHead) {
      return c.json({ url: linkOf(c, await client.exportDataset(id)).href });
    }
    const { name } = await client.fetchDataset(id);
    if (wantsLink) return c.body(null, 200, { 'content-type': 'application/json' });
    const headers = {
      'content-type': JSONL,
      'content-disposition': attachment(`${typeof name === 'string' ? name : id}.jsonl`),
    };
    if (isHead) return c.body(null, 200, headers);
    const link = linkOf(c, await client.exportDataset(id));
    const abort = abortWith(c.req.raw.signal);
    const source = await openExport(c, link, abort.signal);
    const stream = relayBytes(source, c.get('config').streamIdleTimeoutMs, abort);
    c.executionCtx.waitUntil(stream.done);
    return c.body(stream.body, 200, headers);
  },
);

/** @throws {Refusal} `upstream_error` for what cannot be followed */
function linkOf(c: AppContext, link: string): URL {
  const url = URL.parse(link, c.get('config').mistralBaseUrl);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new Refusal({
    code: 'upstream_error',
    message: 'The Mistral API gave a link to the export that cannot be followed.',
  });
}

async function openExport(
  c: AppContext,
  link: URL,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const { observabilityBackend, upstreamHeadersTimeoutMs, secrets } = c.get('config');
  if (observabilityBackend === 'builtin') {
    // The link leads to this Worker: asking itself over the network would be a way round, and may not be allowed.
    const workspace = workspaceOf(c.env);
    const file = await openLink(link, workspace);
    const { body } = file === null ? new Response() : contentOf(file, workspace);
    if (body !== null) return body;
    throw new Refusal({ code: 'not_found', message: 'The export was deleted meanwhile.' });
  }
  // A signed link needs no key, and may lead to any host: ours must not go there.
  const answer = await openUrl(link.href, {
    method: 'GET',
    headers: new Headers({ accept: `${JSONL}, */*` }),
    body: null,
    signal,
    headersTimeoutMs: upstreamHeadersTimeoutMs,
  });
  if (answer.status === 200 && answer.body !== null) return answer.body;
  const { text } = await readText(answer, 4096, upstreamHeadersTimeoutMs);
  throw new Refusal({
    code: 'upstream_error',
    message: `The link to the export answered ${answer.status} instead of the file.`,
    upstream: { status: answer.status, body: redact(text, secrets) },
  });
}
