/** One stack's process: does what main.mjs orders. */
import { dataOrders } from "./data_end.mjs";
import { hostAddress } from "./host_address.mjs";
import { pairOrders } from "./pair_orders.mjs";

const [name] = process.argv.slice(2);
const { openStack } = await import(`./stacks/${name}.mjs`);
const stack = await openStack(hostAddress());

const orders = {
  ...pairOrders(stack),
  ...dataOrders(stack, (note) => process.send({ note })),
  async end() {
    await stack.close?.();
    process.exit(0);
  },
};

process.on("message", async ({ id, order, options }) => {
  try {
    process.send({ id, result: await orders[order](options) });
  } catch (error) {
    process.send({ id, error: `${name}, ${order}: ${error.stack}` });
  }
});
process.send({ id: 0, result: stack.title });
// Whoever gave the orders is gone, be it by a failure of its own: nobody would end this process.
process.on("disconnect", () => process.exit(1));
