import type { Page } from "playwright-core";

/** What a script in the page answers; scripts are texts since this project's types have no DOM. */
export function run<T>(page: Page, script: string): Promise<T> {
  return page.evaluate<T>(`(async () => { ${script} })()`);
}
