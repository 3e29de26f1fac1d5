import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { DatagramTable, native, type UdpPoller, type UdpSocket } from "../../native/addon.js";
import { Datagrams } from "./datagrams.js";

const generousUs = 5e6;

/** Receives until `wanted` datagrams came; fails when they do not. */
function receiveAll(poller: UdpPoller, socket: UdpSocket, wanted: number, slabBytes = 1 << 20): Buffer[] {
  const room = new Datagrams(slabBytes, 2048);
  const received: Buffer[] = [];
  while (received.length < wanted) {
    assert.equal(poller.wait(generousUs), 1, `only ${received.length} of ${wanted} datagrams came`);
    assert.ok(poller.isReadable(socket));
    const count = socket.receive(room.slab, room.table);
    for (let i = 0; i < count; i++) received.push(room.bytes(i));
  }
  return received;
}

for (const address of ["127.0.0.1", "::1"]) {
  describe(`UdpSocket on ${address}`, () => {
    let a: UdpSocket;
    let b: UdpSocket;
    let poller: UdpPoller;

    beforeEach(() => {
      a = native.UdpSocket.bind({ address, port: 0, sendBufferBytes: 1 << 20 });
      b = native.UdpSocket.bind({ address, port: 0, receiveBufferBytes: 4 << 20 });
      poller = new native.UdpPoller();
      poller.add(b);
    });
    afterEach(() => {
      for (const one of [a, b, poller]) one.close();
    });

    it("says where it is bound", () => {
      assert.equal(a.address, address);
      assert.equal(a.family, address === "::1" ? 6 : 4);
      assert.ok(a.port > 0 && a.port !== b.port);
    });

    it("carries a run of equal datagrams in few system calls and delivers each whole, in order", () => {
      const count = 150;
      const sent = new Datagrams(count * 1200, count + 1);
      for (let i = 0; i < count; i++) {
        sent.add(Buffer.alloc(i % 50 === 49 ? 700 : 1200, i), address, b.port);
      }
      assert.equal(a.send(sent.slab, sent.table, 0, count), count);
      assert.ok(a.counters.syscalls <= 2, `took ${a.counters.syscalls} system calls`);
      const received = receiveAll(poller, b, count);
      received.forEach((datagram, i) => {
        assert.deepEqual(datagram, sent.bytes(i), `datagram ${i}`);
      });
      assert.equal(b.counters.received, count);
      assert.equal(a.counters.sent, count);
      assert.equal(poller.wait(0), 0, "nothing must be left");
    });

    it("receives into a small slab too, over several calls", () => {
      const sent = new Datagrams(1 << 16, 40);
      for (let i = 0; i < 40; i++) sent.add(Buffer.alloc(500 + i, i), address, b.port);
      assert.equal(a.send(sent.slab, sent.table, 0, 40), 40);
      const received = receiveAll(poller, b, 40, 8192);
      received.forEach((datagram, i) => {
        assert.deepEqual(datagram, sent.bytes(i));
      });
    });

    it("tells who sent and when it arrived", () => {
      const before = native.monotonicUs();
      const sent = new Datagrams(64, 1).add(Buffer.from("x"), address, b.port);
      a.send(sent.slab, sent.table, 0, 1);
      assert.equal(poller.wait(generousUs), 1);
      const got = new Datagrams(4096, 2);
      assert.equal(b.receive(got.slab, got.table), 1);
      const after = native.monotonicUs();
      assert.equal(got.word(0, DatagramTable.port), a.port);
      assert.equal(got.word(0, DatagramTable.family), a.family);
      assert.equal(got.word(0, DatagramTable.address), sent.word(0, DatagramTable.address));
      assert.equal(got.word(0, DatagramTable.address + 3), sent.word(0, DatagramTable.address + 3));
      assert.ok(got.arrivalUs(0) >= before - 1000 && got.arrivalUs(0) <= after);
    });

    it("counts a datagram too large for its room and goes on", () => {
      const sent = new Datagrams(1 << 16, 2);
      sent.add(Buffer.alloc(9000), address, b.port).add(Buffer.from("small"), address, b.port);
      a.send(sent.slab, sent.table, 0, 2);
      assert.deepEqual(receiveAll(poller, b, 1, 4096), [Buffer.from("small")]);
      assert.equal(b.counters.truncated, 1);
    });

    it("counts what cannot be sent and sends the rest", () => {
      const sent = new Datagrams(1 << 17, 6);
      sent.add(Buffer.from("first"), address, b.port);
      sent.add(Buffer.alloc(66_000), address, b.port); // no UDP datagram is that long
      sent.add(Buffer.from("wrong family"), address === "::1" ? "127.0.0.1" : "::1", b.port);
      sent.add(Buffer.from("no port"), address, 0);
      sent.add(Buffer.alloc(0), address, b.port); // skipped: a refused packet of a batch
      sent.add(Buffer.from("last"), address, b.port);
      assert.equal(a.send(sent.slab, sent.table, 0, 6), 2);
      assert.equal(a.counters.sendErrors, 3);
      assert.deepEqual(receiveAll(poller, b, 2), [Buffer.from("first"), Buffer.from("last")]);
    });

    it("survives a port where nobody listens", () => {
      const gone = native.UdpSocket.bind({ address, port: 0 });
      const port = gone.port;
      gone.close();
      for (let i = 0; i < 20; i++) {
        const sent = new Datagrams(64, 2).add(Buffer.from("x"), address, port);
        a.send(sent.slab, sent.table, 0, 1);
      }
      const hello = new Datagrams(64, 1).add(Buffer.from("hello"), address, b.port);
      assert.equal(a.send(hello.slab, hello.table, 0, 1), 1);
      assert.equal(receiveAll(poller, b, 1).length, 1);
    });

    it("is shared with another thread by its descriptor", () => {
      const copy = native.UdpSocket.attach(a.fd);
      assert.equal(copy.port, a.port);
      a.close();
      const sent = new Datagrams(64, 1).add(Buffer.from("from the copy"), address, b.port);
      assert.equal(copy.send(sent.slab, sent.table, 0, 1), 1);
      assert.deepEqual(receiveAll(poller, b, 1), [Buffer.from("from the copy")]);
      copy.close();
    });

    it("leaves its poller when it is closed", () => {
      const copy = native.UdpSocket.attach(b.fd);
      const sent = new Datagrams(64, 1).add(Buffer.from("x"), address, b.port);
      a.send(sent.slab, sent.table, 0, 1);
      b.close();
      assert.equal(poller.wait(0), 0);
      copy.close();
    });
  });
}

describe("UdpSocket", () => {
  it("hears a multicast group on an interface, and shares its port with others who want to", () => {
    const group = "239.255.77.1";
    const first = native.UdpSocket.bind({ address: "0.0.0.0", port: 0, shared: true });
    const second = native.UdpSocket.bind({ address: "0.0.0.0", port: first.port, shared: true });
    assert.throws(() => native.UdpSocket.bind({ address: "0.0.0.0", port: first.port }), {
      code: "EADDRINUSE",
    });
    for (const socket of [first, second]) {
      socket.joinMulticast(group, "lo");
      socket.joinMulticast(group, "lo"); // the second time changes nothing
    }
    first.setMulticastInterface("lo");
    const sent = new Datagrams(64, 1).add(Buffer.from("all"), group, first.port);
    assert.equal(first.send(sent.slab, sent.table, 0, 1), 1);
    for (const socket of [first, second]) {
      const poller = new native.UdpPoller();
      poller.add(socket);
      assert.deepEqual(receiveAll(poller, socket, 1, 4096), [Buffer.from("all")]);
      poller.close();
      socket.close();
    }
  });

  it("says what is wrong with a group or an interface", () => {
    const socket = native.UdpSocket.bind({ address: "127.0.0.1", port: 0 });
    assert.throws(() => socket.joinMulticast("224.0.0.251", "no0"), {
      code: "INVALID_ARGUMENT",
      message: /"no0"/,
    });
    assert.throws(() => socket.joinMulticast("name", "lo"), { code: "INVALID_ADDRESS" });
    assert.throws(() => socket.joinMulticast("10.0.0.1", "lo"), { code: "SOCKET_FAILURE" });
    assert.throws(() => socket.setMulticastInterface("no0"), { code: "INVALID_ARGUMENT" });
    socket.close();
  });

  it("says what is wrong with an address", () => {
    const bind = (address: string, port = 0) => native.UdpSocket.bind({ address, port });
    assert.throws(() => bind("localhost"), { code: "INVALID_ADDRESS", message: /"localhost"/ });
    assert.throws(() => bind("192.0.2.1"), { code: "EADDRNOTAVAIL", message: /192\.0\.2\.1/ });
    assert.throws(() => bind("127.0.0.1", 70_000), { code: "OUT_OF_RANGE", message: /port.*70000/ });
    const taken = bind("127.0.0.1");
    assert.throws(() => bind("127.0.0.1", taken.port), { code: "EADDRINUSE" });
    taken.close();
    assert.throws(() => taken.port, { code: "CLOSED" });
    assert.throws(() => native.UdpSocket.attach(0x7fffffff), { code: "EBADF" });
    assert.throws(() => native.UdpSocket.attach(1), { code: "INVALID_ARGUMENT" });
  });

  it("refuses a table entry outside the slab", () => {
    const socket = native.UdpSocket.bind({ address: "127.0.0.1", port: 0 });
    const sent = new Datagrams(64, 1).add(Buffer.from("x"), "127.0.0.1", 9);
    sent.table[DatagramTable.length] = 65;
    assert.throws(() => socket.send(sent.slab, sent.table, 0, 1), { code: "OUT_OF_RANGE" });
    assert.throws(() => socket.send(sent.slab, sent.table, 0, 2), { code: "OUT_OF_RANGE" });
    socket.close();
  });

  it("drops what a full send buffer cannot take, without waiting", () => {
    const a = native.UdpSocket.bind({ address: "127.0.0.1", port: 0, sendBufferBytes: 4096 });
    const b = native.UdpSocket.bind({ address: "127.0.0.1", port: 0 });
    const sent = new Datagrams(512 * 1200, 512);
    for (let i = 0; i < 512; i++) sent.add(Buffer.alloc(1200), "127.0.0.1", b.port);
    const taken = a.send(sent.slab, sent.table, 0, 512);
    assert.equal(a.counters.sent + a.counters.sendErrors, 512);
    assert.equal(a.counters.sent, taken);
    a.close();
    b.close();
  });
});

describe("UdpPoller", () => {
  it("wakes by its doorbell from another thread", async () => {
    const poller = new native.UdpPoller();
    const worker = new Worker(
      `const { workerData, parentPort } = require("node:worker_threads");
       const { createRequire } = require("node:module");
       const native = createRequire(workerData.addon)(workerData.addon);
       native.ringDoorbell(workerData.fd);`,
      {
        eval: true,
        workerData: {
          fd: poller.doorbellFd,
          addon: new URL("../../../build/Release/roomrtc.node", import.meta.url).pathname,
        },
      },
    );
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    const start = native.monotonicUs();
    assert.equal(poller.wait(20e6), 0);
    assert.ok(native.monotonicUs() - start < 19e6, "the bell did not end the wait");
    await exited;
    poller.close();
  });

  it("forgets a ring that it reported, and keeps one that came early", () => {
    const poller = new native.UdpPoller();
    native.ringDoorbell(poller.doorbellFd);
    native.ringDoorbell(poller.doorbellFd);
    const start = native.monotonicUs();
    poller.wait(20e6);
    assert.ok(native.monotonicUs() - start < 19e6);
    const again = native.monotonicUs();
    poller.wait(3000);
    assert.ok(native.monotonicUs() - again >= 3000, "an old ring ended the wait early");
    poller.close();
  });

  it("never returns before a deadline of microseconds", () => {
    const poller = new native.UdpPoller();
    for (const us of [0, 50, 333.5, 1500]) {
      const start = native.monotonicUs();
      poller.wait(us);
      assert.ok(native.monotonicUs() - start >= us, `${us} µs`);
    }
    poller.close();
  });

  it("outlives and forgets its sockets in any order", () => {
    const poller = new native.UdpPoller();
    const socket = native.UdpSocket.bind({ address: "127.0.0.1", port: 0 });
    poller.add(socket);
    poller.add(socket);
    poller.remove(socket);
    poller.remove(socket);
    poller.add(socket);
    poller.close();
    socket.close();
    assert.throws(() => poller.wait(0), { code: "CLOSED" });
    assert.throws(() => new native.UdpPoller().add({} as UdpSocket), { code: "INVALID_ARGUMENT" });
  });
});
