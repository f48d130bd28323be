// Someone on the same network who writes down every frame on the wire.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Background } from "./background.ts";

const LISTEN = `
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)
wire.bind(("wire", 0))
out = open(sys.argv[1], "wb")
print("ready", flush=True)
while True:
    out.write(wire.recv(65535))
    out.flush()
`;

export class Eavesdropper {
  readonly #process: Background;
  readonly #file: string;

  private constructor(process: Background, file: string) {
    this.#process = process;
    this.#file = file;
  }

  /** Listens behind `within`, and writes into `folder`. */
  static async listen(within: readonly string[], folder: string): Promise<Eavesdropper> {
    const file = join(folder, "wire.bin");
    const [command = "python3", ...rest] = [...within, "/usr/bin/python3", "-c", LISTEN, file];
    const process = new Background(command, rest);
    await process.line("ready", 10_000);
    return new Eavesdropper(process, file);
  }

  /** Ends, and gives what was heard. */
  async heard(): Promise<Buffer> {
    await this.#process.stop();
    return readFileSync(this.#file);
  }
}

/** Which of `secrets` stand in `heard`: as they are, as base64 or in hexadecimal. */
export function leaked(heard: Buffer, secrets: readonly string[]): string[] {
  return secrets.filter((secret) => {
    const bytes = Buffer.from(secret);
    // The first and last characters of base64 depend on what stands beside.
    const base64 = [0, 1, 2].map((shift) =>
      Buffer.concat([Buffer.alloc(shift), bytes])
        .toString("base64")
        .slice(shift + 1, -4),
    );
    return [bytes, bytes.toString("hex"), ...base64].some((form) => heard.includes(form));
  });
}
