import { concat } from '../domain/bytes.ts';
import { tooLarge } from './middleware/json-body.ts';

/**
 * Reads a body that is held whole.
 * @throws {Refusal} `payload_too_large`, by its declared length or as soon as more has come
 */
export async function readBytes(
  request: Request,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  refuseDeclared(request, maxBytes);
  // The server holds a body to its declared length: it can be read in one piece, for a third of the cost.
  if (request.headers.has('content-length')) return new Uint8Array(await request.arrayBuffer());
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    parts.push(part);
  }
  return concat(parts);
}

/**
 * A body that streams through. One of a declared length is handed on as it is, so that it keeps its length;
 * one without is counted on its way and breaks off above the limit.
 * @throws {Refusal} `payload_too_large`, by its declared length
 */
export function streamWithin(
  request: Request,
  maxBytes: number,
): ReadableStream<Uint8Array> | null {
  refuseDeclared(request, maxBytes);
  if (request.body === null || request.headers.has('content-length')) return request.body;
  let size = 0;
  return request.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(part, controller) {
        size += part.byteLength;
        if (size > maxBytes) controller.error(tooLarge(maxBytes));
        else controller.enqueue(part);
      },
    }),
  );
}

function refuseDeclared(request: Request, maxBytes: number): void {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
}
