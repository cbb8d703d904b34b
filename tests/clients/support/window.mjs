// What a client can prove about a limit of requests per second, seen only from its own side.

/**
 * The most admissions that surely fell within one second. The server decided on each at some moment
 * between its sending and its answer, so a set is proven only if all of that lies in one second.
 */
export function mostProvenInOneSecond(admissions) {
  const within = (start) =>
    admissions.filter(({ sentAt, receivedAt }) => sentAt >= start && receivedAt < start + 1000).length;
  return Math.max(0, ...admissions.map(({ sentAt }) => within(sentAt)));
}

/** Runs a call and tells, beside its answer, between which moments (ms) the server dealt with it. */
export async function timed(call) {
  const sentAt = performance.now();
  const response = await call();
  return { response, sentAt, receivedAt: performance.now() };
}
