/** Headers of an answer with a key or a secret: nobody on its way, nor a browser, is to keep it (RFC 9111, 5.2.2.5). */
export const SHOWN_ONCE = { 'cache-control': 'no-store' };
