/** What one end of a connection with a data channel is told to do; the other end has a process of its own. */
import { setTimeout as pass } from "node:timers/promises";

/** What waits in the channel at most: all stacks' own limits are above it, or at it. */
const BUFFERED_LIMIT_BYTES = 8 << 20;
const OPEN_LIMIT_MS = 20_000;
const WARM_UP_PINGS = 20;

/** The orders of a data end. `note` tells the parent of what was not asked for. */
export function dataOrders(stack, note) {
  let end;
  return {
    async offer() {
      end = stack.createEnd(true, (candidate) => note({ candidate }));
      return end.offer();
    },
    async answer({ sdp }) {
      end = stack.createEnd(false, (candidate) => note({ candidate }));
      return end.answer(sdp);
    },
    accept: ({ sdp }) => end.accept(sdp),
    candidate: ({ candidate }) => end.addCandidate(candidate),
    opened: () => Promise.race([end.opened.then(() => true), pass(OPEN_LIMIT_MS, false)]),
    async echo() {
      end.onMessage = (data) => end.send(asBytes(data));
    },
    ping: (options) => ping(end, options),
    send: (options) => send(end, options),
    receive: (options) => receive(end, options),
    async close() {
      await end?.close();
      end = undefined;
    },
  };
}

function asBytes(data) {
  return ArrayBuffer.isView(data) ? data : new Uint8Array(data);
}

/** One message after the other's echo; each round trip in milliseconds. */
async function ping(end, { bytes, count, seconds }) {
  const message = Buffer.alloc(bytes, 0x55);
  const times = [];
  const until = performance.now() + 1000 * seconds;
  for (let number = -WARM_UP_PINGS; number < count; number++) {
    const echoed = new Promise((resolve) => {
      end.onMessage = resolve;
    });
    const from = performance.now();
    end.send(message);
    await echoed;
    const now = performance.now();
    if (number >= 0) times.push(now - from);
    if (now > until) break;
  }
  end.onMessage = () => {};
  return times;
}

async function send(end, { bytes, messageBytes, seconds }) {
  const message = Buffer.alloc(messageBytes, 0x55);
  const until = performance.now() + 1000 * seconds;
  for (let sent = 0; sent < bytes && performance.now() < until; ) {
    if (end.bufferedBytes < BUFFERED_LIMIT_BYTES) {
      end.send(message);
      sent += messageBytes;
    } else {
      // Not every stack says when less waits.
      await pass(1);
    }
  }
}

/** Until all bytes came, or the time is over: what came, and when the last of it did. */
function receive(end, { bytes, seconds }) {
  const from = performance.now();
  let received = 0;
  let last = from;
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      end.onMessage = () => {};
      resolve({ bytes: received, seconds: (last - from) / 1000 });
    };
    const timer = setTimeout(finish, 1000 * seconds);
    end.onMessage = (data) => {
      received += data.byteLength;
      last = performance.now();
      if (received >= bytes) finish();
    };
  });
}
