/** The two cron triggers of wrangler.toml. */
export const EVERY_MINUTE = '* * * * *';
export const EVERY_FIVE_MINUTES = '*/5 * * * *';

/**
 * Fires a cron trigger, as the platform would.
 * @param time its scheduled time, milliseconds since the epoch
 */
export async function fireCron(url: string, cron: string, time: number): Promise<void> {
  const query = new URLSearchParams({ cron, time: String(time) });
  const answer = await fetch(`${url}/cdn-cgi/local/scheduled?${query.toString()}`);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  await answer.body?.cancel();
}
