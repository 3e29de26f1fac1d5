// `npm run soak -- NAME [options]`: long campaigns, each a file beside this one.
import { run as connections } from "./connection_soak.js";
import { run as exits } from "./exit_soak.js";

const campaigns: Readonly<Record<string, (args: string[]) => Promise<void>>> = { connections, exits };
const [name = "", ...args] = process.argv.slice(2);
if (Object.hasOwn(campaigns, name)) await campaigns[name](args);
else {
  console.error(`soak: found '${name}'; allowed: ${Object.keys(campaigns).join(", ")}`);
  process.exitCode = 2;
}
