import type { Page } from './datasets.sql.ts';
import { recordView } from './views.ts';
import type { Workspace } from './workspace.ts';

/**
 * A page of records as the body of an answer, read from the workspace in batches as the client takes it: a hundred
 * records of the largest size would not fit in memory.
 */
export function recordsBody(
  datasetId: string,
  { page, pageSize }: Page,
  links: object,
  workspace: DurableObjectStub<Workspace>,
): ReadableStream<Uint8Array> {
  const start = (page - 1) * pageSize;
  const encoder = new TextEncoder();
  let read = 0;
  return new ReadableStream({
    async pull(controller) {
      const records =
        read < pageSize
          ? await workspace.datasets.listRecords(datasetId, start + read, pageSize - read)
          : [];
      const prefix = read === 0 ? '{"records":{"results":[' : records.length > 0 ? ',' : '';
      let text = prefix + records.map(recordView).join(',');
      read += records.length;
      const isLast = records.length === 0 || read === pageSize;
      if (isLast) text += `],${JSON.stringify(links).slice(1)}}`;
      controller.enqueue(encoder.encode(text));
      if (isLast) controller.close();
    },
  });
}
