import { PegbarError } from "./error.js";

/** How failures are met. */
export interface RetryOptions {
  /** How often a request is sent again, at most. */
  retries: number;
  /** Whether sending it again does no harm: it changes nothing, or is done once by its key. */
  isRepeatable: boolean;
  url: string;
  signal: AbortSignal | undefined;
}

/** Answers that say nothing of the request, only that it is not a good moment. */
const TRANSIENT = [0, 408, 429, 502, 503, 504];

/** The longest pause between two attempts, in milliseconds. */
const LONGEST_PAUSE_MS = 10_000;

/**
 * Sends until there is an answer, and returns it whole: one that breaks off is none.
 *
 * @throws {PegbarError} for any answer but success.
 */
export async function answered(
  attempt: () => Promise<Response>,
  { retries, isRepeatable, url, signal }: RetryOptions,
): Promise<Response> {
  for (let tries = 0; ; tries += 1) {
    const answer = await once(attempt, url, signal);
    if (answer instanceof Response) return answer;
    const mayRepeat = isRepeatable && tries < retries && TRANSIENT.includes(answer.status);
    if (!mayRepeat) throw answer;
    await pause(answer.retryAfterMs ?? backoffMs(tries), signal);
  }
}

async function once(
  attempt: () => Promise<Response>,
  url: string,
  signal: AbortSignal | undefined,
): Promise<Response | PegbarError> {
  try {
    const response = await attempt();
    if (!response.ok) return await PegbarError.of(response);
    const { status, statusText, headers } = response;
    return new Response(await response.arrayBuffer(), { status, statusText, headers });
  } catch (error) {
    signal?.throwIfAborted();
    return PegbarError.unreachable(url, error);
  }
}

/** Returns how long to wait after some failures in a row: longer each time, never the same. */
export function backoffMs(failures: number): number {
  const longest = Math.min(250 * 2 ** failures, LONGEST_PAUSE_MS);
  return longest * (0.5 + Math.random() / 2);
}

/** Waits, unless it is aborted meanwhile. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
