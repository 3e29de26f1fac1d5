/**
 * `node wrtc_call.js PROGRAM HOW PACKAGE HOW PACKAGE`: the program on each package in a process of its own, in a call with each
 * other; the first one offers. Prints what each of them says. For a network of its own.
 */
import { type ChildProcess, fork } from "node:child_process";

const [program, ...packages] = process.argv.slice(2);

function side(how: string, name: string, role: string): ChildProcess {
  const child = fork(program, [how, name, role]);
  child.on("exit", (code) => {
    if (code !== 0) process.exit(1);
  });
  return child;
}

const offerer = side(packages[0], packages[1], "offer");
const answerer = side(packages[2], packages[3], "answer");
const done = new Set<ChildProcess>();
for (const [from, to] of [
  [offerer, answerer],
  [answerer, offerer],
]) {
  from.on("message", (message) => {
    if (message !== "done") {
      to.send(message as object);
      return;
    }
    done.add(from);
    if (done.size === 2) for (const child of done) child.send("done");
  });
}
