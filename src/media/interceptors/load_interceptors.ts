import { MediaError } from "../media_error.js";
import type { RtpInterceptorFactory } from "./interceptor.js";

/** Loads the modules in this thread, in their order. @throws MediaError "INTERCEPTOR_MODULE" that names the one that cannot be used. */
export async function loadInterceptors(specifiers: readonly string[]): Promise<RtpInterceptorFactory[]> {
  const factories: RtpInterceptorFactory[] = [];
  for (const specifier of specifiers) factories.push(await load(specifier));
  return factories;
}

async function load(specifier: string): Promise<RtpInterceptorFactory> {
  let exported: unknown;
  try {
    exported = ((await import(specifier)) as { default?: unknown }).default;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MediaError("INTERCEPTOR_MODULE", `The interceptor ${specifier} cannot be loaded: ${reason}`);
  }
  if (typeof exported === "function") return exported as RtpInterceptorFactory;
  throw new MediaError(
    "INTERCEPTOR_MODULE",
    `The interceptor ${specifier} must export a function as its default, not ${typeof exported}`,
  );
}
