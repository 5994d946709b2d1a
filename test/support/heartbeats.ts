import { KEEPALIVE } from '../../src/domain/sse.ts';

/** The text of a stream but for the comments that fill a silence: they may come wherever the machine is slow. */
export const withoutHeartbeats = (text: string) => text.replaceAll(KEEPALIVE, '');
