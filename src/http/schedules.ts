/** Deletes all schedules of a client; imports that they have started go on. */
export async function deleteSchedulesOf(env: Env, clientId: string): Promise<void> {
  const registry = env.REGISTRY.getByName('schedules');
  for (;;) {
    const page = await registry.list(clientId, 100, null);
    if (page === 'bad_cursor' || page.ids.length === 0) return;
    for (const id of page.ids) {
      // One that is gone already does not take its entry along.
      if (!(await env.SCHEDULE.getByName(id).remove(clientId))) await registry.remove(id);
    }
  }
}
