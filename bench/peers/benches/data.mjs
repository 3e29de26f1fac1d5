import { readFileSync } from "node:fs";
import { DataConnection } from "../data_connection.mjs";
import { buildDelayRelay, DelayRelay, relayCapacity } from "../delay_relay.mjs";
import { hostAddress } from "../host_address.mjs";
import { printTable, say, spread } from "../table.mjs";

const MESSAGE_BYTES = 65_536;
const PING_BYTES = 64;
const PINGS = 1_000;
/** Round trips that pass before those that count, so that what is compiled as it runs is compiled: a connection's first 1000 are told, too. */
const WARM_UP_PINGS = 4_000;
const CAPACITY_SECONDS = 2;

const address = hostAddress();

/** A large transfer and small round trips, at no delay and through a relay that delays. */
export async function data({ names, rounds, seconds, megabytes, roundTripsMs }) {
  const bytes = Math.ceil((1e6 * megabytes) / MESSAGE_BYTES) * MESSAGE_BYTES;
  const load = { ping: { bytes: PING_BYTES, count: PINGS, seconds }, transfer: { bytes, seconds } };
  say(
    `Data channel: ${megabytes} MB one way in messages of 64 KiB, or what arrives within ${seconds} s of it;`,
  );
  say(`round trip of ${PING_BYTES} bytes, ${PINGS} one after the other, or as many as ${seconds} s allow;`);
  say(`without delay the connection's first ${PINGS}, and ${PINGS} after ${WARM_UP_PINGS} more.`);
  say(`${rounds} rounds, the stacks in turn; a process for each end; median (smallest to largest).`);
  buildDelayRelay();
  for (const roundTripMs of roundTripsMs) {
    const found = new Map();
    for (let round = 0; round < rounds; round++) {
      for (const name of names) await measure(name, roundTripMs, load, found);
    }
    say(`\n${await heading(roundTripMs)}\n`);
    printRoundTrip(found, roundTripMs === 0);
  }
}

async function heading(roundTripMs) {
  if (roundTripMs === 0) return "No delay: from end to end";
  const { mbps, lost } = await relayCapacity(address, 0, CAPACITY_SECONDS);
  const alone = `without its delay it carries ${mbps.toFixed(0)} Mbit/s, ${(100 * lost).toFixed(2)} % lost`;
  return `${roundTripMs} ms round trip, through the relay (${alone})`;
}

async function measure(name, roundTripMs, load, found) {
  const lostBefore = lostBySockets();
  const relay = roundTripMs === 0 ? undefined : await DelayRelay.start(address, roundTripMs);
  const connection = await DataConnection.open(name, relay);
  const first = spread(await connection.ping(load.ping));
  const pings = relay === undefined ? await warmPings(connection, load.ping) : first;
  const { bytes, seconds } = await connection.transfer({ ...load.transfer, messageBytes: MESSAGE_BYTES });
  await connection.close();
  const dropped = (await relay?.stop()) ?? 0;
  const lost = lostBySockets() - lostBefore;
  const { title } = connection;
  if (!found.has(title)) found.set(title, []);
  found
    .get(title)
    .push({ mbps: (8 * bytes) / 1e6 / seconds, bytes, dropped, lost, first: first.median, ...pings });
}

/** Datagrams that found no room in a socket of the network namespace, which is the bench's own: UDP's errors of both buffers. */
function lostBySockets() {
  const [names, values] = readFileSync("/proc/self/net/snmp", "utf8")
    .split("\n")
    .filter((line) => line.startsWith("Udp: "))
    .map((line) => line.split(" "));
  return ["RcvbufErrors", "SndbufErrors"].reduce((sum, name) => sum + Number(values[names.indexOf(name)]), 0);
}

async function warmPings(connection, ping) {
  await connection.ping({ ...ping, count: WARM_UP_PINGS });
  return spread(await connection.ping(ping));
}

function printRoundTrip(found, hasWarmUp) {
  const cell = (values, digits) => {
    const { median, min, max } = spread(values);
    return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;
  };
  printTable(
    [
      "stack",
      "Mbit/s",
      "MB moved",
      ...(hasWarmUp ? ["first round trips p50, ms"] : []),
      "round trip p50, ms",
      "p99, ms",
      "dropped: relay, sockets",
    ],
    [...found].map(([title, all]) => [
      title,
      cell(
        all.map(({ mbps }) => mbps),
        0,
      ),
      spread(all.map(({ bytes }) => bytes / 1e6)).median.toFixed(0),
      ...(hasWarmUp
        ? [
            cell(
              all.map(({ first }) => first),
              2,
            ),
          ]
        : []),
      cell(
        all.map(({ median }) => median),
        2,
      ),
      cell(
        all.map(({ p99 }) => p99),
        2,
      ),
      [all.reduce((sum, { dropped }) => sum + dropped, 0), all.reduce((sum, { lost }) => sum + lost, 0)].join(
        ", ",
      ),
    ]),
  );
}
