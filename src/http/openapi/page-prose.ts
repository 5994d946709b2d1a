import { html } from 'hono/html';
import type { Html } from './page-schema.ts';

const MARKS = /`([^`]+)`|\[([^\]]+)\]\((https:[^)\s]+)\)/g;

/** The Markdown that the document's texts use: code and links. */
export function proseHtml(text: string): Html {
  const parts: (Html | string)[] = [];
  let end = 0;
  for (const mark of text.matchAll(MARKS)) {
    const [whole, code, label, url] = mark;
    parts.push(
      text.slice(end, mark.index),
      code === undefined ? html`<a href="${url}">${label}</a>` : html`<code>${code}</code>`,
    );
    end = mark.index + whole.length;
  }
  return html`${parts}${text.slice(end)}`;
}
