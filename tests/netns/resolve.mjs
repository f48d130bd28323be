// Asks the own network once for a name's IPv4 address (multicast DNS, RFC 6762 §5.1) and prints it; exit code 1
// when nobody answers within five seconds. For tests only: it believes whoever answers first.
//
//   node resolve.mjs bartizan.local 10.87.0.2

import { createSocket } from "node:dgram";

const [name = "bartizan.local", own = "0.0.0.0"] = process.argv.slice(2);

function question(host) {
  const labels = host.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  const header = Buffer.from([0x42, 0x5a, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}

/** The first IPv4 address among the records: type A, class IN with or without the top bit, four bytes. */
function address(message) {
  for (let at = 12; at + 14 <= message.length; at += 1) {
    const isA = message.readUInt16BE(at) === 1 && (message.readUInt16BE(at + 2) & 0x7fff) === 1;
    if (isA && message.readUInt16BE(at + 8) === 4) {
      return [...message.subarray(at + 10, at + 14)].join(".");
    }
  }
  return undefined;
}

const socket = createSocket({ type: "udp4", reuseAddr: true });
const ask = () => socket.send(question(name), 5353, "224.0.0.251");
socket.on("message", (message) => {
  const found = address(message);
  if (found !== undefined) {
    process.stdout.write(`${found}\n`);
    process.exit(0);
  }
});
socket.bind(0, own, () => {
  socket.setMulticastInterface(own);
  ask();
  setInterval(ask, 1000);
});
setTimeout(() => process.exit(1), 5000);
