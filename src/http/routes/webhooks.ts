import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { attemptView } from '../../domain/attempt-view.ts';
import { Refusal } from '../../domain/failures.ts';
import { testWebhookBody } from '../../domain/webhook-payload.ts';
import { newId } from '../../platform/ids.ts';
import { Clients, currentSigningSecrets } from '../../store/clients.ts';
import { attemptDelivery } from '../../webhook/deliver.ts';
import type { AppEnv } from '../context.ts';
import { refuseBadTarget } from '../import-request.ts';
import { clientWith } from '../middleware/auth.ts';
import { jsonBody, valid } from '../middleware/json-body.ts';

/** What `POST /webhooks/test` takes. */
export const webhookTestBody = z.lazy(() =>
  z.strictObject({ url: z.string().check(z.maxLength(2000)) }),
);

/** `POST /webhooks/test`: sends a `webhook.test` as any other webhook is sent, once, and answers the attempt. */
export const webhookRoutes = new Hono<AppEnv>().post(
  '/test',
  clientWith('observability:write'),
  jsonBody,
  valid('json', webhookTestBody),
  async (c) => {
    const { url } = c.req.valid('json');
    refuseBadTarget(c, url, '/url');
    const { clientId } = c.get('grant');
    const now = Date.now();
    const client = await new Clients(c.env.KV).get(clientId);
    if (client === null) throw new Refusal({ code: 'not_found', message: 'The client is gone.' });
    const { callbackAllowPrivate, webhookTimeoutMs, secrets: hidden } = c.get('config');
    const id = newId('msg');
    const secrets = currentSigningSecrets(client, now);
    const attempt = await attemptDelivery(
      { id, url, body: testWebhookBody(clientId, now), secrets },
      { allowPrivate: callbackAllowPrivate, ownOrigin: new URL(c.req.url).origin },
      webhookTimeoutMs,
      hidden,
    );
    return c.json(attemptView({ id, event: 'webhook.test', attempt: 1, ...attempt }));
  },
);
