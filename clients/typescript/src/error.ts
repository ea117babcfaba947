import type { Problem } from "./schema.js";

/**
 * What went wrong, as the server tells it (`application/problem+json`, RFC 9457), or why it could
 * not be asked.
 */
export class PegbarError extends Error {
  override readonly name = "PegbarError";
  /**
   * The stable name of the kind of problem: `not_found`, `invalid`, `stale`, `conflict`, `in_use`
   * … The server's docs explain each. `unreachable` where no answer came at all,
   * `not_pegbar` where the answer was none of Pegbar's.
   */
  readonly code: string;
  /** The status of the answer; 0 where none came. */
  readonly status: number;
  /** What went wrong. */
  readonly detail: string;
  /** What to do, where there is something to do. */
  readonly hint: string | undefined;
  /** The field that is not acceptable, as the request names it: `characters[0].name`. */
  readonly field: string | undefined;
  /** The whole problem; `undefined` where the answer was none of Pegbar's. */
  readonly problem: Problem | undefined;
  /** How long to wait before trying again, in milliseconds, where the server says so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    told: Pick<Problem, "code" | "status" | "detail"> & Partial<Problem>,
    options: { cause?: unknown; problem?: Problem; retryAfterMs?: number | undefined } = {},
  ) {
    super(told.detail, "cause" in options ? { cause: options.cause } : undefined);
    this.code = told.code;
    this.status = told.status;
    this.detail = told.detail;
    this.hint = told.hint ?? undefined;
    this.field = told.field ?? undefined;
    this.problem = options.problem;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Reads the problem that an answer tells. */
  static async of(response: Response): Promise<PegbarError> {
    const { status } = response;
    const retryAfterMs = milliseconds(response.headers.get("retry-after"));
    const text = await response.text().catch(() => "");
    const problem = parse(text);
    if (problem) return new PegbarError(problem, { problem, retryAfterMs });
    const detail = `the answer is none of Pegbar's: ${status} ${response.statusText}`.trimEnd();
    const hint = "is there a proxy between, or another program at this address?";
    return new PegbarError({ code: "not_pegbar", status, detail, hint }, { retryAfterMs });
  }

  /** Says that no answer came. */
  static unreachable(url: string, cause: unknown): PegbarError {
    const detail = `no answer from ${new URL(url).origin}: ${reason(cause)}`;
    const hint = "is `pegbar serve` running there?";
    return new PegbarError({ code: "unreachable", status: 0, detail, hint }, { cause });
  }
}

/** Says whether something thrown is a problem, of one kind if a code is given. */
export function isPegbarError(error: unknown, code?: string): error is PegbarError {
  return error instanceof PegbarError && (code === undefined || error.code === code);
}

function parse(text: string): Problem | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isProblem =
      typeof value === "object" &&
      value !== null &&
      "code" in value &&
      typeof value.code === "string" &&
      "detail" in value &&
      typeof value.detail === "string" &&
      "status" in value &&
      typeof value.status === "number";
    return isProblem ? (value as Problem) : undefined;
  } catch {
    return undefined;
  }
}

/** Reads `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3). */
function milliseconds(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** `fetch` says only "fetch failed"; its cause says why. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  // Where several addresses were tried, the error of all of them has no message.
  const code = "code" in cause ? String(cause.code) : "";
  return cause.message || code || error.message;
}
