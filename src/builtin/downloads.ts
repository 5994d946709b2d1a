import { extendedValue } from '../domain/content-disposition.ts';
import type { StoredFile } from './files.sql.ts';
import type { Workspace } from './workspace.ts';

/** Where signed links lead; no key is needed there, the signature stands for it. */
export const DOWNLOADS_PATH = '/downloads';

/** A link to a file that anyone may follow until it expires. @param expiresAt milliseconds since the epoch */
export async function signedLink(
  fileId: string,
  expiresAt: number,
  origin: string,
  workspace: DurableObjectStub<Workspace>,
): Promise<string> {
  const signature = await workspace.signLink(fileId, expiresAt);
  return `${origin}${DOWNLOADS_PATH}/${fileId}?expires=${expiresAt}&signature=${signature}`;
}

/** The file that a signed link leads to, or null when the link is wrong, has expired, or its file is gone. */
export async function openLink(
  url: URL,
  workspace: DurableObjectStub<Workspace>,
): Promise<StoredFile | null> {
  const id = url.pathname.slice(DOWNLOADS_PATH.length + 1);
  const expires = url.searchParams.get('expires') ?? '';
  const signature = url.searchParams.get('signature') ?? '';
  if (!FILE_ID.test(id) || !/^\d{1,15}$/.test(expires)) return null;
  return workspace.openLink(id, Number(expires), signature);
}

const FILE_ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** The bytes of a file, read chunk by chunk as the client takes them. */
export function contentOf(file: StoredFile, workspace: DurableObjectStub<Workspace>): Response {
  let offset = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = await workspace.files.read(file.id, offset);
      if (chunk !== null) {
        offset += chunk.byteLength;
        controller.enqueue(chunk);
      } else if (offset === file.bytes) {
        controller.close();
      } else {
        // Deleted while it was read: a clean end would pass for the whole file.
        controller.error(new Error('The file was deleted while it was being read.'));
      }
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'application/octet-stream',
      // The link expires and its file may be deleted: what a cache had kept would outlive both.
      'cache-control': 'private, no-store',
      'content-disposition': `attachment; filename*=${extendedValue(file.filename)}`,
    },
  });
}
