/** Code and message of whatever was thrown. */
export function asError(error: unknown, fallbackCode: string): { code: string; message: string } {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return {
    code: typeof code === "string" ? code : fallbackCode,
    message: typeof message === "string" ? message : String(error),
  };
}
